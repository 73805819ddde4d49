"""What the tests of readers share."""

import pytest

from bitrecall.training.data.rows.file_rows import BadRows, Vocabulary
from bitrecall.training.data.rows.row_encoding import encode_rows


@pytest.fixture(scope="session")
def read_source():
    """Read a source through the common stage: triples, user ids, item ids, bad rows."""

    def read(source, options, *, skip=False):
        vocabulary, bad_rows = Vocabulary(), BadRows(skip)
        rows = encode_rows(source, vocabulary, bad_rows, options)
        users, items = list(vocabulary.users), list(vocabulary.items)
        times = rows.times.tolist() if rows.times is not None else [None] * len(rows.users)
        triples = [
            (users[user], items[item], time)
            for user, item, time in zip(rows.users, rows.items, times, strict=True)
        ]
        return triples, users, items, bad_rows

    return read
