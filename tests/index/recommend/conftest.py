from tests.tools.small_release import contents, release

__all__ = ["contents", "release"]
