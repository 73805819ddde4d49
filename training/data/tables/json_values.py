"""Parse JSON values: one per line, or the elements of an array."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bitrecall.training.data.files.text_file import HEAD_BYTES, MAX_LINE_BYTES, TextFile

__all__ = ["is_array", "parse_elements", "parse_lines"]


def is_array(text: TextFile) -> bool:
    """Whether the file is one array, or records over several lines, instead of one per line."""
    start = text.head.lstrip()
    if not start.startswith("{"):
        return True
    first = next(line for line in text.head_lines if line.strip())
    try:
        json.loads(first)
    except json.JSONDecodeError:
        # Either a bad first line, or a record that continues on the next line.
        return first.strip() == "{" or not first.rstrip().endswith("}")
    return False


def parse_lines(blocks: Iterable[bytes], first: int) -> Iterator[tuple[int, Any]]:
    """Yield the number of each line with its value, or with the error of parsing it."""
    number = first - 1
    for block in blocks:
        for line in block.split(b"\n") if not block.endswith(b"\n") else block[:-1].split(b"\n"):
            number += 1
            if line.strip():
                yield number, _parse(line.decode(errors="replace"))


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        return error


def parse_elements(text: TextFile) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each element of an array, or of consecutive values.

    If a value cannot be parsed, the last pair has the error instead.
    """
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    content = ""
    number = 0
    blocks = text.blocks(HEAD_BYTES)
    ended = False
    while True:
        content = content.lstrip(" \t\r\n,[")
        try:
            if content[:1] in ("", "]") and not ended:
                raise json.JSONDecodeError("end", content, 0)
            if content[:1] in ("", "]"):
                return
            value, end = decoder.raw_decode(content)
        except json.JSONDecodeError as error:
            # A record that the end of the block cuts off fails near the end, not far before it.
            broken = not error.msg.startswith("Unterminated") and error.pos < len(content) // 2
            block = None if broken and len(content) > HEAD_BYTES else next(blocks, None)
            if block is None or len(content) > MAX_LINE_BYTES:
                ended = True
                if content.strip(" \t\r\n,]"):
                    yield number + 1, error
                return
            content += block.decode(errors="replace")
            continue
        number += 1
        content = content[end:]
        yield number, value
