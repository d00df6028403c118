"""What `raysp data look` shows of a split: lines of numbers and doubts, and figures."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.report.style import Picture


@dataclass(frozen=True)
class Looked:
    """What a kind of data says of a split.

    Attributes:
        lines: numbers, one thing a line.
        doubts: what is odd, beside the notes that reading it left.
        pictures: figures.
    """

    lines: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
