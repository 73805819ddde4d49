from tests.small_release import contents, release

__all__ = ["contents", "release"]
