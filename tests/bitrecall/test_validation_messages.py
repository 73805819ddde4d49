from bitrecall.validation_messages import pointer


def test_pointer_escapes_separators() -> None:
    assert pointer() == ""
    assert pointer("a", 0, "~/") == "/a/0/~0~1"
