"""predictions.parquet of movies: a row per movie, unit, and free run or recorded repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa

from raysp.collection.predictions import AGAIN, HEAD, check_there, head
from raysp.config.experiment import Trial
from raysp.errors import BadInput
from raysp.io import tables
from raysp.kinds.movie.metrics import PART

FORMAT, KIND = 1, "free and clamped runs of movies"
FREE, CLAMPED = "free", "clamped"
SCHEMA = pa.schema(
    [
        *(pa.field(name, kind) for name, kind in HEAD.items()),
        pa.field("movie", pa.int64()),
        pa.field("mode", pa.string()),
        pa.field("repeat", pa.int64()),
        pa.field("unit", pa.int64()),
        pa.field("spikes", pa.list_(pa.int32())),
        pa.field("rates", pa.list_(pa.float32())),
    ]
)
"""`mode` is "free", where a model hears its own spikes and `repeat` counts its runs from 0, or "clamped", where it is
told all that was recorded before each bin of a `repeat` of the recording. `spikes` has the bin of each simulated spike,
counted from 0, and none where clamped; `rates` the expected spikes of each bin. What was recorded is not there: it lies
beside the prepared split."""


@dataclass(frozen=True)
class Forecast:
    """What a model gives for one movie.

    Attributes:
        movie: its place among the split's movies.
        numbers: (repeats,) of the recorded repeats that `clamped` is of.
        spikes: (trials, frames, units) uint8 of free runs.
        rates: (trials, frames, units) float32 of the same runs, expected spikes a bin.
        clamped: (repeats, frames, units) float32 rates, each given what was recorded before it.
    """

    movie: int
    numbers: np.ndarray
    spikes: np.ndarray
    rates: np.ndarray
    clamped: np.ndarray


def check_rates(found: Forecast, where: str, *, binary: bool) -> None:
    """Raise BadInput unless rates are finite and > 0, and, where a bin has a spike or none, probabilities < 1."""
    for mode, rates in ((FREE, found.rates), (CLAMPED, found.clamped)):
        inside = (rates > 0) & (rates < (1 if binary else np.inf))
        if not inside.all():
            place = tuple(np.argwhere(~inside)[0].tolist())
            what = "probabilities inside (0, 1)" if binary else "finite rates > 0"
            told = f"{where} expected {what}, got {rates[place]:g}"
            raise BadInput(f"{told} (movie {found.movie}, {mode}, run, bin and unit {place})")


def write_runs(path: str, trial: Trial, units: np.ndarray, found: Sequence[Forecast]) -> None:
    """Write a trial's predictions, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        units: (units,) the recording's own numbers.
        found: what was predicted, movie by movie.

    Raises:
        OSError: the disk is full; a file that was there stays as it was.
    """
    blocks = []
    for one in found:
        runs = np.arange(len(one.spikes))
        blocks.append(_block(trial, one.movie, FREE, runs, units, one.rates, one.spikes))
        blocks.append(
            _block(trial, one.movie, CLAMPED, one.numbers, units, one.clamped, np.zeros_like(one.clamped[..., :0]))
        )
    note = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data, "units": units.tolist()}
    tables.write_table(path, pa.concat_tables(blocks), note)


def read_runs(path: str) -> list[Forecast]:
    """Return what was predicted, movie by movie.

    Raises:
        NotReady: nothing was predicted.
        BadInput: the file is damaged, or holds something else.
    """
    check_there(path)
    note = tables.read_note(path, AGAIN)
    if (note.get("kind"), note.get("format")) != (KIND, FORMAT):
        raise BadInput(f"{path} expected a table of {KIND} of this version of raysp, got another one; {AGAIN}")
    table, units = tables.read_arrow(path, SCHEMA.names, AGAIN), len(note["units"])
    with tables.guarded(path, AGAIN):
        places = list(zip(table["movie"].to_pylist(), table["mode"].to_pylist(), strict=True))
        found, first = {}, 0
        for place, rows in groupby(places):
            count = len(list(rows))
            found[place] = table.slice(first, count)
            first += count
        return [_forecast(movie, found, units) for movie in dict.fromkeys(movie for movie, _ in places)]


def _forecast(movie: int, found: dict[tuple[int, str], pa.Table], units: int) -> Forecast:
    free, clamped = found[movie, FREE], found[movie, CLAMPED]
    rates = _rates(free, units)
    numbers = clamped["repeat"].to_numpy()[::units]
    return Forecast(movie, numbers, _spikes(free, rates.shape), rates, _rates(clamped, units))


def _rates(table: pa.Table, units: int) -> np.ndarray:
    flat = table["rates"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(table) // units, units, -1).swapaxes(1, 2)


def _spikes(table: pa.Table, shape: tuple[int, ...]) -> np.ndarray:
    trials, frames, units = shape
    column = table["spikes"].combine_chunks()
    rows = np.repeat(np.arange(len(column)), np.diff(column.offsets.to_numpy()))
    counts = np.zeros((trials * units, frames), np.uint8)
    np.add.at(counts, (rows, column.flatten().to_numpy(zero_copy_only=False)), 1)
    return counts.reshape(trials, units, frames).swapaxes(1, 2)


def _block(
    trial: Trial, movie: int, mode: str, repeats: np.ndarray, units: np.ndarray, rates: np.ndarray, spikes: np.ndarray
) -> pa.Table:
    """Return the rows of some runs, (repeats, frames, units) rates and spikes; of clamped ones there are no spikes."""
    rows, frames = len(repeats) * len(units), rates.shape[1]
    common = {**head(trial, PART), "movie": movie, "mode": mode}
    own = {
        "repeat": np.repeat(repeats, len(units)),
        "unit": np.tile(units, len(repeats)),
        "spikes": _bins(spikes, rows),
        "rates": pa.ListArray.from_arrays(
            np.arange(rows + 1, dtype=np.int32) * frames, rates.swapaxes(1, 2).astype(np.float32).ravel()
        ),
    }
    kinds = {name: SCHEMA.field(name).type for name in common}
    same = {name: pa.array([value] * rows, kinds[name]) for name, value in common.items()}
    return pa.table({**same, **own}, schema=SCHEMA)


def _bins(spikes: np.ndarray, rows: int) -> pa.ListArray:
    """Return the bin of each spike, run by run and unit by unit."""
    counts = spikes.swapaxes(1, 2).reshape(-1, spikes.shape[1]) if spikes.size else np.zeros((rows, 0), np.uint8)
    row, bins = np.nonzero(counts)
    offsets = np.concatenate([[0], np.cumsum(counts.sum(axis=1, dtype=np.int64))]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, np.repeat(bins, counts[row, bins]).astype(np.int32))
