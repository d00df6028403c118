"""Tables that end within a cell, as half a copy does: the last number or name is then a part of what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from raysp.errors import BadInput

if TYPE_CHECKING:
    import polars

FEWEST, FACTOR = 20, 5.0
"""Rows from which on others tell what a last one may be; a number is a part where all others are so much larger."""


def check_end(text: str, columns: Mapping[str, polars.Series], path: str) -> None:
    """Refuse a table whose last cell is a part of one.

    Args:
        text: of the table.
        columns: of it; the last is asked.
        path: of the file, for errors.

    Raises:
        BadInput: no end of line follows the last cell, whose number is shorter than that before it where all others
            rise, or far below others of one size, or whose text is the beginning of one that is there again and again.
    """
    if text.endswith("\n") or not columns:
        return
    name = list(columns)[-1]
    whole = columns[name].drop_nulls()
    if len(whole) < FEWEST:
        return
    last, others = whole[-1], whole.head(len(whole) - 1)
    least = others.min()
    if whole.dtype.is_numeric():
        rise, alike = others.is_sorted(), bool(others.max() < FACTOR * least)  # type: ignore[operator]
        is_part = rise and last < others[-1] and len(str(last)) < len(str(others[-1]))
        is_part |= alike and bool(0 <= last * FACTOR < least)
        told = f"where all others {'rise' if rise else 'are of one size'}, from {least!r} to {others.max()!r}"
    else:
        known = others.cast(str).value_counts()
        usual = set(known.filter(known["count"] > 1)[name].to_list())
        words = {one for one in usual if one != str(last) and one.startswith(str(last))}
        is_part = str(last) not in usual and bool(words) and len(known) <= len(whole) / 4
        told = f"where others are {', '.join(sorted(words)[:3])}"
    if is_part:
        line = text.rpartition("\n")[2].strip()
        raise BadInput(
            f"{path} ends within its last row, {line[:60]!r}: {name} is {last} there, {told}; is the file cut off? "
            "Copy it again: rows behind it are lost, too; where it is whole, end its last line"
        )
