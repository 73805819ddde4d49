from tests.tools.small_release import contents, ordered_release, release, repeating_release

__all__ = ["contents", "ordered_release", "release", "repeating_release"]
