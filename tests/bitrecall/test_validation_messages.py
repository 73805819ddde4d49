from bitrecall.validation_messages import pointer


def test_a_pointer_escapes_what_would_part_it() -> None:
    assert pointer() == ""
    assert pointer("a", 0, "~/") == "/a/0/~0~1"
