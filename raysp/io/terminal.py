"""What the terminal is like that lines are printed to: how wide, and whether it can show bold letters."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDEST = 100
"""Lines longer than that are hard to read, however wide the terminal is."""


@dataclass(frozen=True)
class Terminal:
    """Where lines go.

    Attributes:
        width: how many characters of a line fit.
        bold: whether what stands out is in bold letters; else a star is behind it.
    """

    width: int = WIDEST
    bold: bool = False

    def wrapped(self, text: str) -> list[str]:
        """Return a text in lines that fit; those after the first begin two characters further to the right."""
        indent = " " * (len(text) - len(text.lstrip()))
        return textwrap.wrap(
            text.lstrip(),
            self.width,
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )

    def cell(self, text: str, width: int, *, out: bool) -> str:
        """Return a text at the right end of a cell of so many characters; `out` says that it stands out."""
        if not self.bold:
            return f"{text}{'*' if out else ' '}".rjust(width + 1)
        return " " * (width - len(text)) + (f"\x1b[1m{text}\x1b[0m" if out else text)


def terminal() -> Terminal:
    """Return what standard output is, as NO_COLOR, TERM and COLUMNS have it too."""
    shown = sys.stdout is not None and sys.stdout.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "dumb") == "dumb"
    width = shutil.get_terminal_size((WIDEST, 24)).columns
    return Terminal(min(width, WIDEST), bold=shown and not plain)


def table(
    head: Sequence[str],
    rows: Sequence[tuple[str, Sequence[tuple[str, bool]]]],
    terminal: Terminal,
    most: int = 4,
) -> list[str]:
    """Return a table's lines: names to the left, cells to the right, headings broken where they are long.

    Columns that do not fit beside each other follow below, with the names again.

    Args:
        head: what stands above each column.
        rows: a name, and a text and whether it stands out for each column.
        terminal: where it is printed.
        most: the longest a heading may be, in lines, where a wider column can prevent it.
    """
    room = max(12, terminal.width // 2)
    names = [_short(name, room) for name, _ in rows]
    first = max((len(name) for name in names), default=0) + 2
    star = 0 if terminal.bold else 1
    columns = [
        (title, [cells[at] for _, cells in rows], _width(title, [cells[at][0] for _, cells in rows], star, most))
        for at, title in enumerate(head)
    ]
    lines: list[str] = []
    while columns:
        used, count = first, 0
        while count < len(columns) and (not count or used + 2 + columns[count][2] + star <= terminal.width):
            used += 2 + columns[count][2] + star
            count += 1
        lines += [*([""] if lines else []), *_block(names, first, columns[:count], terminal, star)]
        columns = columns[count:]
    return lines


Column = tuple[str, Sequence[tuple[str, bool]], int]


def _block(names: Sequence[str], first: int, columns: Sequence[Column], terminal: Terminal, star: int) -> list[str]:
    heads = [_broken(title, width + star) for title, _, width in columns]
    tall = max(map(len, heads))
    lines = []
    for level in range(tall):
        texts = [
            (head[level - tall + len(head)] if level >= tall - len(head) else "").rjust(width + star)
            for head, (_, _, width) in zip(heads, columns, strict=True)
        ]
        lines.append("  ".join([" " * first, *texts]).rstrip())
    for at, name in enumerate(names):
        cells = [terminal.cell(texts[at][0], width, out=texts[at][1]) for _, texts, width in columns]
        lines.append("  ".join([f"  {name}".ljust(first), *cells]).rstrip())
    return lines


def _width(title: str, texts: Sequence[str], star: int, most: int) -> int:
    """Return how wide a column is: as its widest cell or the longest word above it, wider for a heading in lines."""
    width = max([*map(len, texts), *(len(word) - star for word in _words(title))], default=0)
    while len(_broken(title, width + star)) > most:
        width += 1
    return width


def _broken(title: str, width: int) -> list[str]:
    """Return a heading in lines of so many characters, broken between words; an arrow stays with the last one."""
    lines = [""]
    for word in _words(title):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _words(title: str) -> list[str]:
    """Return the words of a heading; a short name in brackets is one, and an arrow is part of the one before it."""
    return re.findall(r"(?:\([^()]{1,12}\)|\S+)(?: [↑↓])?", title)


def _short(name: str, room: int) -> str:
    return name if len(name) <= room else f"{name[: room - room // 2 - 1]}…{name[-(room // 2) :]}"
