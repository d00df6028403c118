"""The numbers of simulated movies: what repeats share, what units do together, likelihood one bin ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.collection.predictions import AGAIN
from raysp.config.experiment import Trial
from raysp.data.splits.movie import MovieAnswers, MovieSplit, Repeats, Truth
from raysp.errors import BadInput
from raysp.evaluation.movie_statistics import Covariances, covariances, mean_rates, pairs, pearson, r2, shuffled
from raysp.io import files
from raysp.io.rows import Row, Rows
from raysp.kinds.movie.connectivity_file import NAME, read_connectivity
from raysp.kinds.movie.metrics import (
    BITS,
    BY_LAG,
    CEILING,
    CONNECTIVITY_R,
    CONNECTIVITY_R2,
    FREE_RUN,
    NATS,
    NEW_MOVIES,
    NOISE_SIZE,
    PART,
    PSTH_R,
    RATE_ERROR,
    SHUFFLED,
    WHICH,
    correlation,
)
from raysp.kinds.movie.runs_file import Forecast, check_rates, read_runs
from raysp.objectives.spike_nats import nats
from raysp.runs.folder import TrialFolder

LAGS = 9
"""Bins apart that covariances are of, the first of which is 0."""


@dataclass(frozen=True)
class Beside:
    """What was recorded and what a model gives for the same movies, without the bins that are history alone.

    Attributes:
        recorded: (repeats, bins, units) spikes of each movie.
        spikes: (trials, bins, units) spikes of free runs of each.
        rates: rates of the same runs.
        clamped: (repeats, bins, units) rates one bin ahead.
    """

    recorded: list[np.ndarray]
    spikes: list[np.ndarray]
    rates: list[np.ndarray]
    clamped: list[np.ndarray]


def rows(trial: Trial, split: MovieSplit, answers: MovieAnswers, folder: TrialFolder) -> Rows:
    """Return the rows of one trial.

    Args:
        trial: whose predictions are scored.
        split: its data.
        answers: what was recorded in the test part.
        folder: of the trial.

    Raises:
        NotReady: nothing was predicted.
        BadInput: the predictions are damaged, of other repeats, or no probabilities.
    """
    found = {one.movie: one for one in read_runs(folder.predictions)}
    for one in answers.test:
        _check_same(found.get(one.movie), one, folder.predictions)
        check_rates(found[one.movie], folder.predictions, binary=split.sizes.binary)
    common: Row = {
        "run_trial": trial.id,
        "model": trial.shown,
        "split": trial.split,
        "dataset": split.sizes.dataset,
        "phase": split.role.phase,
        "bin_ms": float(split.sizes.bin_ms),
        "seed": trial.seed,
        "part": PART,
        "standin": split.provenance.standin,
        "judge": "raysp",
    }
    measured = [*_measures(split, answers, found), *_connectivity(answers.truth, trial, folder)]
    return [{**common, **row} for row in measured]


def _check_same(found: Forecast | None, recorded: Repeats, path: str) -> None:
    shape = recorded.spikes.shape
    if found is None or found.clamped.shape != shape or not np.array_equal(found.numbers, recorded.numbers):
        got = "none" if found is None else f"{found.clamped.shape}"
        raise BadInput(f"{path} expected rates of movie {recorded.movie} of shape {shape}, got {got}; {AGAIN}")


def _measures(split: MovieSplit, answers: MovieAnswers, found: dict[int, Forecast]) -> Iterator[Row]:
    first, binary = split.sizes.first, split.sizes.binary
    mean = _means([one.spikes[:, first:] for one in split.train])
    for parameter in (None, NEW_MOVIES):
        chosen = [one for one in answers.test if split.is_new(one.movie) == (parameter is not None)]
        if not chosen:
            continue
        both = _beside(chosen, found, first)
        yield from _likelihoods(both, mean, split.unit_ids, parameter, binary=binary)
        yield from _rates(both, split.unit_ids, parameter)
        if parameter is None:
            recorded = covariances(both.recorded, LAGS)
            yield from _courses(both.recorded, both.rates, split.unit_ids, None)
            yield from _correlations(recorded, covariances(both.spikes, LAGS), None)
            yield from _sizes(both.spikes, None)
            known = [split.train[one.movie].spikes[:, first:].astype(np.float64) for one in chosen]
            yield from _courses(both.recorded, known, split.unit_ids, CEILING)
            yield from _correlations(recorded, covariances(known, LAGS), CEILING)
            yield from _sizes(known, CEILING)
            yield _overall_rate_error(both.recorded, known, CEILING)


def _connectivity(truth: Truth | None, trial: Trial, folder: TrialFolder) -> Iterator[Row]:
    """Yield how near a model's couplings are to the true ones; nothing where nobody knows those, or it has none."""
    path = files.join(folder.path, NAME)
    if truth is None or not files.exists(path):
        return
    units = np.flatnonzero(truth.units >= 0)
    known = pairs(truth.couplings[np.ix_(units, units)].sum(axis=2)[None])
    mine = pairs(read_connectivity(path, trial)[: len(units), : len(units)].sum(axis=2)[None])
    why = "there are no two units, or no couplings"
    yield _row(CONNECTIVITY_R, None, float(pearson(known, mine)) if len(known) else np.nan, why)
    yield _row(CONNECTIVITY_R2, None, r2(known, mine) if len(known) else np.nan, why)


def _beside(chosen: Sequence[Repeats], found: dict[int, Forecast], first: int) -> Beside:
    theirs = [found[one.movie] for one in chosen]
    return Beside(
        [one.spikes[:, first:].astype(np.float64) for one in chosen],
        [one.spikes[:, first:].astype(np.float64) for one in theirs],
        [one.rates[:, first:].astype(np.float64) for one in theirs],
        [one.clamped[:, first:].astype(np.float64) for one in theirs],
    )


def _likelihoods(
    both: Beside, mean: np.ndarray, units: np.ndarray, parameter: str | None, *, binary: bool
) -> Iterator[Row]:
    spikes, rates = (_flat(each) for each in (both.recorded, both.clamped))
    own = nats(rates, spikes, binary=binary)
    gained = (nats(np.broadcast_to(mean, spikes.shape), spikes, binary=binary) - own).sum(axis=0) / np.log(2)
    counts = spikes.sum(axis=0)
    yield _row(NATS, parameter, float(own.mean()))
    yield _row(BITS, parameter, _share(gained.sum(), counts.sum()), "no unit has a spike")
    for unit, bits, count in zip(units.tolist(), gained, counts, strict=True):
        yield {**_row(BITS, parameter, _share(bits, count), "it has no spike"), "unit": unit}
    yield _row(FREE_RUN, parameter, _free_run(both, binary=binary))


def _free_run(both: Beside, *, binary: bool) -> float:
    """Return the mean over runs, recorded repeats, bins and units; over runs and repeats apart, since it is linear."""
    total, bins = 0.0, 0
    for spikes, rates in zip(both.recorded, both.rates, strict=True):
        course = spikes.mean(axis=0)
        silent = nats(rates, np.zeros(1), binary=binary)
        active = nats(rates, np.ones(1), binary=binary)
        total += float((silent + course * (active - silent)).mean(axis=0).sum())
        bins += course.size
    return total / bins


def _rates(both: Beside, units: np.ndarray, parameter: str | None) -> Iterator[Row]:
    recorded, simulated = (mean_rates(each) for each in (both.recorded, both.rates))
    yield _overall_rate_error(both.recorded, both.rates, parameter)
    for unit, mine, theirs in zip(units.tolist(), simulated, recorded, strict=True):
        yield {**_row(RATE_ERROR, parameter, _share(abs(mine - theirs), theirs), "it has no spike"), "unit": unit}


def _overall_rate_error(recorded: Sequence[np.ndarray], rates: Sequence[np.ndarray], parameter: str | None) -> Row:
    one, other = (mean_rates(each).mean() for each in (recorded, rates))
    return _row(RATE_ERROR, parameter, _share(abs(other - one), one), "no unit has a spike")


def _courses(
    recorded: Sequence[np.ndarray], rates: Sequence[np.ndarray], units: np.ndarray, parameter: str | None
) -> Iterator[Row]:
    one, other = (np.concatenate([movie.mean(axis=0) for movie in each]) for each in (recorded, rates))
    found, why = pearson(one, other), "recorded or simulated rates do not vary"
    known = found[np.isfinite(found)]
    row = _row(PSTH_R, parameter, float(known.mean()) if len(known) else np.nan, why)
    yield _of_some(row, len(known), len(found), "units", f"of others {why}")
    for unit, value in zip(units.tolist(), found, strict=True):
        yield {**_row(PSTH_R, parameter, float(value), why), "unit": unit}


def _correlations(recorded: Covariances, simulated: Covariances, parameter: str | None) -> Iterator[Row]:
    """Yield rows of the same bin, of all lags together, and of each lag."""
    for which in WHICH:
        one, other = (each.correlations(which) for each in (recorded, simulated))
        yield from _likeness(correlation(which, "{}"), parameter, one[0], other[0])
        yield from _likeness(correlation(which, "{}", lagged=True), parameter, one[1:], other[1:])
        for lag in range(1, len(one)):
            place = f"{lag}" if parameter is None else f"{lag}, {parameter}"
            yield from _likeness(correlation(which, "{}") + BY_LAG, place, one[lag, None], other[lag, None])


def _likeness(metric: str, parameter: str | None, recorded: np.ndarray, simulated: np.ndarray) -> Iterator[Row]:
    """Yield R2 and r over pairs of units; "{}" in the metric's name is which."""
    theirs, mine = (pairs(each) for each in (recorded, simulated))
    known = np.isfinite(mine) & np.isfinite(theirs)
    theirs, mine = theirs[known], mine[known]
    why = "fewer than three pairs of units have spikes, or they do not vary"
    enough = len(mine) > 2
    for measure, of in (("R2", r2), ("r", pearson)):
        row = _row(metric.format(measure), parameter, float(of(theirs, mine)) if enough else np.nan, why)
        yield _of_some(row, len(mine), len(known), "pairs of units", "in others one has no spike that varies")


def _sizes(movies: Sequence[np.ndarray], parameter: str | None) -> Iterator[Row]:
    """Yield how large noise correlations are, and how large chance alone makes them."""
    for metric, each in ((NOISE_SIZE, movies), (SHUFFLED, [shuffled(one) for one in movies])):
        found = pairs(covariances(each, 1).correlations("noise")[0])
        known = found[np.isfinite(found)]
        value = float(np.sqrt((known**2).mean())) if len(known) else np.nan
        yield _row(metric, parameter, value, "no two units have spikes that vary")


def _row(metric: str, parameter: str | None, value: float, why: str = "") -> Row:
    if np.isfinite(value):
        return {"metric": metric, "parameter": parameter, "value": float(value)}
    return {"metric": metric, "parameter": parameter, "value": None, "note": f"undefined: {why}"}


def _of_some(row: Row, there: int, whole: int, what: str, why: str) -> Row:
    """Return a row with a note where its value leaves out some: the better ones may be those that are left."""
    left_out = row["value"] is not None and there < whole
    return {**row, "note": f"of {there} of {whole} {what}: {why}"} if left_out else row


def _flat(movies: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([one.reshape(-1, one.shape[-1]) for one in movies])


def _means(movies: Sequence[np.ndarray]) -> np.ndarray:
    return _flat(movies).mean(axis=0)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else np.nan
