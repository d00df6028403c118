"""Columns of a table of spikes: how they are called, and what may stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from raysp.data.formats import clock_text, starred
from raysp.data.formats.nwb import LATEST_S, own_numbers
from raysp.data.formats.table_file import Only
from raysp.errors import BadInput, unknown
from raysp.io.words import listed

Table = dict[str, np.ndarray]
SPIKES, UNITS = (
    {"time", "spike_time", "spike_times", "times", "spikes.times", "timestamp", "timestamps", "spiketimes", "ts"},
    {"unit", "units", "unit_id", "cluster", "clusters", "cluster_id", "neuron", "neuron_id", "cell", "cell_id",
     "spike_clusters", "spikes.clusters"},
)  # fmt: skip

NUMBER, THOUSANDS = re.compile(r"-?[\d.,' ]*\d"), re.compile(r"-?\d{1,3}([.,' ]\d{3})+[.,]\d+")


class Reader(Protocol):
    """What returns the columns of a table, by its path."""

    def __call__(self, path: str, *, lists: bool = False, only: Only | None = None) -> Table:
        """Return a table's columns; see `table_file.read`."""


def named(table: Iterable[str], name: str | None, setting: str, usual: set[str], path: str) -> str:
    """Return the column that a setting names, or the only one with a usual name. Raises BadInput where none is."""
    columns = list(table)
    if name is not None:
        if name not in columns:
            raise BadInput(f"{path}: {unknown('column', name, columns)}")
        return name
    found = [column for column in columns if column.strip().lower().rpartition("/")[2] in usual]
    if len(found) != 1:
        got = f"{' and '.join(found)}" if found else "none of that kind"
        raise BadInput(
            f"{path}: say which column is the {setting}, {setting}=NAME; its columns are {', '.join(columns)}, {got}"
        )
    return found[0]


def seconds(values: np.ndarray, column: str, per_second: float, path: str, first_row: int = 0) -> np.ndarray:
    """Return a column of times as float64, s.

    Args:
        values: of the column, or of some of its rows.
        column: its name.
        per_second: units of time in a second.
        path: of the table, for errors.
        first_row: the table's row that the first value stands in.

    Raises:
        BadInput: a value is no number, or no time that a recording can have.
    """
    if values.dtype.kind not in "iuf":
        told = f"{path}: column {column!r} expected times as numbers, such as 1234.5, or {clock_text.EXAMPLE}"
        raise BadInput(f"{told}, got {odd(values, first_row)}")
    per_second = 1.0 if isinstance(values, clock_text.Seconds) else per_second
    values = np.array(values, dtype=np.float64)
    # NaN is not within anything.
    if not (within := (values >= -LATEST_S * per_second) & (values <= LATEST_S * per_second)).all():
        row = int(within.argmin())
        of = f" of {len(values)}" if not first_row else ""
        told = f"{path}: column {column!r} expected a time in each row"
        raise BadInput(f"{told}, got {values[row]} in row {first_row + row}{of}")
    values /= per_second
    return values


def odd(values: np.ndarray, first_row: int = 0) -> str:
    """Return the first value that is no number, nor what most are, a clock's text, for an error."""
    found = [(row, value) for row, value in enumerate(values.tolist()) if not _is_number(value)]
    clocks = sum(clock_text.is_clock(value) for _, value in found)
    others = [one for one in found if not clock_text.is_clock(one[1])] if 2 * clocks > len(values) else found
    row, value = next(iter(others or found), (0, None))
    return str(values.dtype) if value is None else f"{str(value)[:40]!r} in row {first_row + row}"


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def has_thousands(one: np.ndarray) -> bool:
    """Tell whether a column is of texts that are numbers, of which some have separators of thousands, and decimals."""
    if one.dtype.kind != "U" or not all(map(NUMBER.fullmatch, one[:100].tolist())):
        return False
    return any(map(THOUSANDS.fullmatch, one.tolist()))


def not_numbers(table: Table) -> list[str]:
    """Return a line on each column that is called as times are and holds texts: what stands in it that is no number."""
    found = []
    for name, one in table.items():
        if one.dtype.kind == "U" and name.strip().lower().rpartition("/")[2] in SPIKES:
            odd = [text for text in one.tolist() if re.fullmatch(r"\s*[-+]?\d*\.?\d+([eE][-+]?\d+)?\s*|", text) is None]
            found += [f"{name} holds {odd[0][:40]!r}, which is no number: write numbers alone"] if odd else []
    return found


def check_units(of_unit: np.ndarray, path: str, first_row: int = 0) -> None:
    """Raise BadInput where the unit of a spike is no whole number and no name; `first_row` as of `seconds`."""
    if of_unit.dtype.kind == "f" and (wrong := ~np.isfinite(of_unit) | (of_unit % 1 != 0)).any():
        at = int(wrong.argmax())
        told = f"{path} expected a whole number or a name of a unit for each spike"
        then = "save names, such as u2.1" if np.isfinite(of_unit[at]) else "leave out the rows of no unit"
        raise BadInput(f"{told}, got {of_unit[at]} in row {first_row + at}; {then}")
    if of_unit.dtype.kind == "U" and (of_unit == "").any():
        row = first_row + int((of_unit == "").argmax())
        raise BadInput(f"{path} expected a unit for each spike, got none in row {row}")
    if of_unit.dtype.kind == "U" and len(of_unit) > 2 and not of_unit[-1].isdigit() and of_unit[0].isdigit():
        others = of_unit[:-1]
        if (others != of_unit[-1]).all() and np.char.isdigit(others).all():
            told = (
                f"{path} expected a unit for each spike, all others numbers, got {str(of_unit[-1])!r} in its last row"
            )
            raise BadInput(f"{told}: is that a sum? Leave it out")


def ids(known: np.ndarray) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Return the numbers of units, (units,), of their numbers or names, notes on these, and the names.

    Names are in the order of the numbers in them: c2 before c10.
    """
    if known.dtype.kind not in "US":
        numbers, notes = own_numbers(known, "units")
        if (none := numbers[numbers < 0]).size:
            told = f"units have numbers below 0 ({', '.join(map(str, none[:3]))}), as sorters number spikes of no unit"
            notes += (f"{told}; a table of units, with keep_units, leaves them out",)
        return numbers, notes, ()
    ordered = starred.natural(known.tolist())
    places = {name: place for place, name in enumerate(ordered)}
    numbers = np.array([places[name] for name in known.tolist()], dtype=np.int64)
    return numbers, (in_order(ordered),), tuple(known.tolist())


def of_text(name: str, first: str, path: str) -> str:
    """Return what to do with a column of lists that are read as text."""
    if first.startswith("[[") and not path.lower().endswith((".csv", ".tsv", ".txt")):
        numbers = f"table['unit'] = [range(len(one)) for one in table[{name!r}]]"
        told = f"{name} holds a list for each unit in every row: write a row for each trial and unit"
        return f"{told}: {numbers}; table.explode([{name!r}, 'unit']).to_parquet('spikes.parquet')"
    return f"{name} holds lists as text: write Parquet, or a row for each spike: table.explode({name!r})"


def of_lists(each: Sequence[str], others: Sequence[str]) -> str:
    """Return what to do with columns of lists that are each of a unit, beside others that tell of trials."""
    melted = f"table.melt({list(others)!r}, var_name='unit', value_name='spike_times')"
    told = f"{len(each)} columns hold lists, {each[0]} to {each[-1]}: if each is a unit's times in every trial"
    return f"{told}, write a row for each trial and unit: {melted}.to_parquet('spikes.parquet')"


def in_order(names: Sequence[str]) -> str:
    """Return the note on units that have names and no numbers, in their order."""
    shown = listed([f"{place} {name}" for place, name in enumerate(names)])
    return f"units have names, and are numbered in their order: {shown}"


def silent(known: np.ndarray, there: np.ndarray, path: str) -> tuple[str, ...]:
    """Return the note on units of a table that have no spike."""
    none = np.setdiff1d(known, there)
    return (f"{len(none)} units of {path} have no spike: {listed(none)}",) if len(none) else ()


def dropped(count: int, total: int, others: Mapping[object, object] | np.ndarray) -> tuple[str, ...]:
    """Return the note on spikes of units that are not used, `others`."""
    told = f"{count} of {total} spikes are of units that are not used, and were dropped"
    return (f"{told}: {listed(np.array(others))}",) if count else ()
