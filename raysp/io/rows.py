"""Rows of tables, before they are written: a plain value by the name of its column."""

from __future__ import annotations

Value = float | str | None
"""Whole numbers and yes or no are numbers, too."""

Row = dict[str, Value]
Rows = list[Row]
