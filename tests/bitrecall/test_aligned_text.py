from bitrecall.aligned_text import aligned


def test_aligns_columns_to_the_widest_cell():
    assert aligned(["id", "size"], [["a", "1"], ["long", "12345"]], right="<>") == (
        "id     size\na         1\nlong  12345"
    )


def test_strips_trailing_spaces_and_accepts_no_rows():
    assert aligned(["id", "note"], [["a", ""]]) == "id  note\na"
    assert aligned(["id", "note"], []) == "id  note"
