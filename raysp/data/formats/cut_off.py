"""Text tables that end within a row, as half a copy does: what shows it is refused, what only looks so is warned of.

The beginning and the end of a file are read, whatever its size, so that tables read in batches are asked, too.
"""

from __future__ import annotations

import io
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from raysp.data.formats import file_kind, table_file
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.words import WARNING

END_BYTES = 1 << 17
FEWEST_ROWS, FEWEST, FEWEST_WRITTEN, FACTOR = 3, 20, 200, 5.0
"""Rows from which on others tell how many cells a last one has, what its last one may be, and how it is written;
a number is a part where all others are so many times larger."""
WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
WRITTEN = re.compile(r"[-+]?\d+[.,](\d\d+)")


def notes(path: str) -> tuple[str, ...]:
    """Return the warning that a table's last row looks like a part of one.

    Args:
        path: of a table, or of another file, which has no such rows.

    Raises:
        BadInput: the last row has an open quote, fewer cells than all others, or a number with fewer decimals than all
            others, and no end of line.
    """
    if file_kind.no_file(path) is not None:
        return ()
    with files.opened(path, parts=True) as file:
        wide = file.read(2) in WIDE
    if not wide and not file_kind.is_text(file_kind.other(path)):
        return ()
    form, lines = _last_lines(path)
    if len(lines) <= FEWEST_ROWS:
        return ()
    row = f"ends within its last row, {lines[-1].strip()[:60]!r}"
    then = "Copy it again: rows behind it are lost, too; where it is whole, end its last line"
    if told := next(_shown(lines, form), ""):
        raise BadInput(f"{path} {row}: {told}; is the file cut off? {then}")
    return tuple(
        f"{WARNING}{os.path.basename(path)} {row}: {told}; is the file cut off? {then}"
        for told in itertools.islice(_likely(lines, form), 1)
    )


def _last_lines(path: str) -> tuple[table_file.Form, list[str]]:
    """Return how a table is written, and its last lines without that of the names; none where the last one ends."""
    with files.opened(path, parts=True) as file:
        head = file.read(table_file.PROBE_BYTES)
        size = file.seek(0, io.SEEK_END)
        begin = max(size - END_BYTES, 0) // 2 * 2
        file.seek(begin)
        end = file.read()
    form = table_file.form(head, path)
    text = end.decode(WIDE.get(head[:2], "utf-8"), errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    if text.endswith("\n"):
        return form, []
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith(table_file.REMARKS)]
    names = next((place for place, line in enumerate(lines) if line.endswith(form.first.rstrip())), -1)
    return form, lines[max(names + 1, 1 if begin else 0) :]


def _shown(lines: Sequence[str], form: table_file.Form) -> Iterator[str]:
    """Yield what shows that the last of the lines is a part of one."""
    *others, last = lines
    if last.count('"') % 2 and not any(line.count('"') % 2 for line in others):
        yield "its last quote is open"
    widths = Counter(map(len, _divided(others, form)))
    (width,) = [len(row) for row in _divided([last], form)]
    if len(widths) == 1 and width < (usual := next(iter(widths))):
        yield f"it has {width} of {usual} cells"
    values, value = _last_column(lines, form)
    decimals = {len(found[1]) if (found := WRITTEN.fullmatch(one)) else 0 for one in values}
    usual = decimals.pop() if len(values) >= FEWEST_WRITTEN and len(decimals) == 1 else 0
    if usual and re.fullmatch(rf"[-+]?\d*[.,]?\d{{0,{usual - 1}}}", value):
        yield f"{_name(form)} is {value} there, where all others have {usual} decimals"


def _likely(lines: Sequence[str], form: table_file.Form) -> Iterator[str]:
    """Yield what makes it likely: a number below all others, or a text that others begin with."""
    values, value = _last_column(lines, form)
    if len(values) < FEWEST or not value:
        return
    told = f"{_name(form)} is {value} there"
    try:
        numbers = np.array([one.replace(",", ".") if form.decimal_comma else one for one in (*values, value)], float)
    except ValueError:
        usual = Counter(values)
        words = sorted(one for one, count in usual.items() if count > 1 and one.startswith(value) and one != value)
        if value not in usual and words and len(usual) <= len(values) / 4:
            yield f"{told}, where others are {', '.join(words[:3])}"
        return
    others, last, least = numbers[:-1], numbers[-1], numbers[:-1].min()
    rise, alike = (np.diff(others) >= 0).all(), others.max() < FACTOR * least
    is_part = rise and last < others[-1] and len(value) < len(values[-1])
    if is_part or (alike and 0 <= last * FACTOR < least):
        yield f"{told}, where all others {'rise' if rise else 'are of one size'}, {least:.12g} to {others.max():.12g}"


def _last_column(lines: Sequence[str], form: table_file.Form) -> tuple[list[str], str]:
    """Return what stands in the last column of all lines but the last one, empty cells left aside, and of that one."""
    *others, last = (row[-1].strip() if row else "" for row in _divided(lines, form))
    return [one for one in others if one not in table_file.MISSING], last


def _name(form: table_file.Form) -> str:
    """Return what the last column is called; a list of numbers alone has no name."""
    return "the last value" if re.fullmatch(r"[-+\d.,eE]+", form.names[-1]) else form.names[-1]


def _divided(lines: Sequence[str], form: table_file.Form) -> list[list[str]]:
    if form.separator == " ":
        return [line.split() for line in lines]
    return table_file.divided(lines, form.separator)
