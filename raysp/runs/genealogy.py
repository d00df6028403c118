"""genealogy.parquet: who copied whom in a population that trains by turns, with all settings of every generation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import polars

from raysp.config.settings import Plain
from raysp.errors import damaged, expect
from raysp.io import files, tables

NAME = "genealogy.parquet"
AGAIN = "remove its population's folder and run the command again"
State = Literal["waiting", "trained", "diverged"]
Source = Literal["defaults", "start", "drawn", "kept", "copied"]

COLUMNS = {
    "generation": polars.Int64,
    "member": polars.Int64,
    "source": polars.String,
    "parent": polars.Int64,
    "opponent": polars.Int64,
    "state": polars.String,
    "epochs": polars.Int64,
    "score": polars.Float64,
    "loss": polars.Float64,
    "weights": polars.String,
}
"""Then the settings that vary, a column each under its own name."""


@dataclass(frozen=True)
class Row:
    """One member in one generation.

    Attributes:
        generation: from 1.
        member: from 0.
        source: of its settings: defaults (the experiment's own), start (a warm-start point), drawn from the space, kept
            from the generation before, or copied from another member and changed.
        settings: those that vary, by name.
        parent: whose weights it began with, a member of the generation before; None in the first.
        opponent: whom it met before it began; None in the first.
        state: waiting (not yet trained), trained, or diverged, when it has no score.
        epochs: of its weights, those of the members that it descends from counted.
        score: what members are judged by, smoothed over epochs; less is better.
        loss: the same at the last epoch alone.
        weights: SHA-256 of its weights and its optimiser's state.
    """

    generation: int
    member: int
    source: Source
    settings: Mapping[str, Plain]
    parent: int | None = None
    opponent: int | None = None
    state: State = "waiting"
    epochs: int = 0
    score: float | None = None
    loss: float | None = None
    weights: str | None = None


@dataclass(frozen=True)
class Genealogy:
    """A population's rows, generation by generation, and what its file says of the population."""

    rows: tuple[Row, ...]
    note: Mapping[str, Any] = field(default_factory=dict)

    def generation(self, number: int) -> tuple[Row, ...]:
        """Return the members of a generation, in order."""
        return tuple(row for row in self.rows if row.generation == number)

    @property
    def last(self) -> int:
        """The number of the last generation, finished or not."""
        return self.rows[-1].generation

    @property
    def finished(self) -> int:
        """The number of the last generation whose members are all trained; 0 for none."""
        waiting = [row.generation for row in self.rows if row.state == "waiting"]
        return min(waiting) - 1 if waiting else self.last


def best_row(rows: Sequence[Row]) -> Row | None:
    """Return the member with the lowest score, the earliest of equal ones; None where none has a score."""
    scored = [row for row in rows if row.score is not None]
    return min(scored, key=lambda row: (row.score, row.generation, row.member)) if scored else None


def lineage(rows: Sequence[Row], last: Row) -> list[Row]:
    """Return the members that a member descends from, the first generation's first and itself last."""
    by_place = {(row.generation, row.member): row for row in rows}
    found = [last]
    while found[-1].parent is not None:
        found.append(by_place[found[-1].generation - 1, found[-1].parent])
    return found[::-1]


def write_genealogy(path: str, genealogy: Genealogy) -> None:
    """Write the file, whole or not at all. Raises OSError when the disk is full; the earlier file stays."""
    rows = genealogy.rows
    names = list(dict.fromkeys(name for row in rows for name in row.settings))
    plain = {name: polars.Series(name, [getattr(row, name) for row in rows], kind) for name, kind in COLUMNS.items()}
    columns, spelled = list(plain.values()), []
    for name in names:
        values = [row.settings.get(name) for row in rows]
        if (kind := _kind(values)) is None:
            spelled.append(name)
            values = [json.dumps(value, sort_keys=True) for value in values]
            kind = polars.String
        columns.append(polars.Series(name, values, kind))
    tables.write_table(path, polars.DataFrame(columns), {**genealogy.note, "as json": spelled})


def read_genealogy(path: str) -> Genealogy:
    """Read a population's history. Raises NotReady where there is none, BadInput where it is damaged."""
    note = tables.read_note(path, AGAIN)
    table = tables.read_table(path, again=AGAIN)
    try:
        expect(set(COLUMNS) <= set(table.columns), f"it lacks {', '.join(set(COLUMNS) - set(table.columns))}")
        spelled = note.get("as json", ())
        rows = tuple(_row(one, spelled) for one in table.to_dicts())
        expect(rows, "it has no rows")
    except (ValueError, TypeError) as error:
        raise damaged(path, error, AGAIN) from error
    return Genealogy(rows, {name: value for name, value in note.items() if name != "as json"})


def path_of(folder: str) -> str:
    """Return where the history of the population in a folder lies."""
    return files.join(folder, NAME)


def _row(one: Mapping[str, Any], spelled: Sequence[str]) -> Row:
    own = {name: one[name] for name in COLUMNS}
    settings = {
        name: json.loads(value) if name in spelled else value for name, value in one.items() if name not in COLUMNS
    }
    return Row(**own, settings=settings)


def _kind(values: Sequence[object]) -> Any:
    """Return the column type that holds these values as they are; None for one that must be spelled."""
    kinds = {type(value) for value in values}
    known = {bool: polars.Boolean, int: polars.Int64, float: polars.Float64, str: polars.String}
    return known.get(cast(type, kinds.pop())) if len(kinds) == 1 else None
