from bitrecall.tables import aligned


def test_columns_are_as_wide_as_their_widest_cell():
    assert aligned(["id", "size"], [["a", "1"], ["long", "12345"]], right="<>") == (
        "id     size\na         1\nlong  12345"
    )


def test_lines_end_without_blanks_and_a_table_may_be_empty():
    assert aligned(["id", "note"], [["a", ""]]) == "id  note\na"
    assert aligned(["id", "note"], []) == "id  note"
