"""Hiding a part of a recording: which units and which trials are predicted, and the split that follows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from raysp.data.formats import tally
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit, Sizes, TrialArrays, own_ids
from raysp.errors import BadInput, present
from raysp.io.words import listed

LONGEST_KERNEL = 10_000
"""Bins to either side that a Gaussian may reach: more than any trial has."""

MOSTLY = 0.5
"""Behaviour known in a smaller share of the bins is doubted."""

UNNUMBERED = np.empty(0, dtype=np.int64)

Rows = tuple[np.ndarray, np.ndarray]
"""Training trials, and evaluation trials."""

UNITS, TRIALS, CONDITIONS = 0, 1, 2
"""Streams of random numbers: what is drawn from one does not change with what is drawn from another."""


@dataclass(frozen=True)
class Whole:
    """All trials and units of a recording, before any is hidden.

    Attributes:
        counts: (trials, bins + forward, units) float32 spikes per bin; NaN where unobserved.
        forward: the last so many bins are to be predicted from those before.
        rates: (trials, bins + forward, units) true expected spikes per bin, where truth is known.
        condition: (trials,) index of the trial's condition, -1 for none.
        behavior: (trials, bins, variables), or (trials, variables) of one row a trial; NaN where unknown.
        states: (trials, bins + forward, dimensions) the generating system's own state, where truth is known.
        notes: what was left out and why, and what is doubtful, one sentence each.
        ids: (trials,) int64 the recording's own number of each trial; rows by default.
        units: (units,) int64 the recording's own number of each; rows by default.
        variables: (name, unit) of each variable of behaviour, as in `Provenance.behavior`.
        unit_names: (number, name) of units, as in `Provenance`.
    """

    counts: np.ndarray
    forward: int = 0
    rates: np.ndarray | None = None
    condition: np.ndarray | None = None
    behavior: np.ndarray | None = None
    states: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    ids: np.ndarray = field(default_factory=lambda: UNNUMBERED)
    units: np.ndarray = field(default_factory=lambda: UNNUMBERED)
    variables: tuple[tuple[str, str], ...] = ()
    unit_names: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        trials, _, units = self.counts.shape
        for name, count in (("ids", trials), ("units", units)):
            object.__setattr__(self, name, own_ids(getattr(self, name), count))

    @property
    def bins(self) -> int:
        """Observed bins of a trial."""
        return self.counts.shape[1] - self.forward

    def of_units(self, chosen: np.ndarray) -> Whole:
        """Return the recording with these units only, in this order."""
        rates = None if self.rates is None else self.rates[..., chosen]
        return dataclasses.replace(self, counts=self.counts[..., chosen], rates=rates, units=self.units[chosen])


def how_many(total: int, count: int | None, fraction: float, what: str, where: str) -> int:
    """Return how many of `total` units or trials to hide.

    Args:
        total: how many there are.
        count: how many to hide; None takes the fraction.
        fraction: of the total, rounded to the nearest whole number.
        what: "units" or "trials", for the error.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: a fraction hides none, or all would be hidden.
    """
    hidden = round(fraction * total) if count is None else count
    how = f"a fraction of {fraction}" if count is None else f"{count}"
    if hidden >= total:
        raise BadInput(f"{where}: expected some of {total} {what} to stay visible, but {how} hides all of them")
    if hidden <= 0 and count is None:
        told = f"{where}: expected some of {total} {what} to be hidden, but {how} hides none"
        raise BadInput(f"{told}; {_possible(total, what)}")
    return hidden


def _possible(total: int, what: str) -> str:
    if what == "units":
        fewer = "" if total < 2 else "heldout: 1 hides one; "
        return f"{fewer}with heldout: 0 all are shown, and models are judged by single counts hidden from them"
    if total < 2:
        return f"no part of so few {what} can be kept to judge by: give more, of a recording without trials as windows"
    return f"ask for more: {1 / total:.2g} hides one"


def draw(total: int, count: int, seed: int, stream: int) -> np.ndarray:
    """Draw `count` of `total` indices, ascending; with the same seed a larger draw contains every smaller one."""
    order = np.random.default_rng([seed, stream]).permutation(total)
    return np.sort(order[:count])


def hidden_units(whole: Whole, count: int | None, fraction: float, seed: int, where: str) -> np.ndarray:
    """Draw the units to be predicted; see `how_many` and `draw`."""
    total = whole.counts.shape[2]
    return draw(total, how_many(total, count, fraction, "units", where), seed, UNITS)


def others(total: int, chosen: np.ndarray) -> np.ndarray:
    """Return the indices below `total` that were not chosen, ascending."""
    return np.setdiff1d(np.arange(total), chosen)


def gaps(behavior: np.ndarray, name: str, where: str, told: str = "") -> tuple[str, ...]:
    """Return the note that behaviour (trials, bins, variables) is NaN in most bins, where it is.

    Args:
        behavior: NaN where it is unknown.
        name: of it.
        where: the beginning of the error's sentence.
        told: the end of both sentences.

    Raises:
        BadInput: it is unknown everywhere.
    """
    known = ~np.isnan(behavior).all(axis=2)
    if not known.any():
        raise BadInput(f"{where}: {name} is known in none of {len(behavior)} windows{told}")
    return (f"{name} is known in {known.mean():.1%} of the bins{told}",) if known.mean() < MOSTLY else ()


def without_silent(whole: Whole, bin_ms: float, least_hz: float, where: str) -> Whole:
    """Leave out units that fire less than `least_hz` (spikes per second of observed time); 0 keeps all.

    Raises:
        BadInput: no unit is left.
    """
    if least_hz <= 0:
        return whole
    seen, spikes = tally.tally(whole.counts)
    rates_hz = spikes / np.maximum(seen * (bin_ms / 1000.0), 1e-12)
    kept = rates_hz >= least_hz
    if not kept.any():
        raise BadInput(f"{where}: min_rate_hz {least_hz} leaves no unit; the fastest fires {rates_hz.max():.3g} Hz")
    if kept.all():
        return whole
    told = f"{(~kept).sum()} of {len(kept)} units fire less than {least_hz} Hz and were left out"
    note = f"{told}: {listed(whole.units[~kept])}"
    return dataclasses.replace(whole.of_units(np.flatnonzero(kept)), notes=(*whole.notes, note))


def partition(
    whole: Whole, sizes: tuple[str, float], heldout: np.ndarray, rows: Rows, provenance: Provenance,
    psth_sigma_ms: float = 0.0,
) -> tuple[PopulationSplit, Answers]:  # fmt: skip
    """Return the split and its answers.

    Args:
        whole: all trials and units.
        sizes: name of the split, and width of a bin, ms.
        heldout: units to be predicted; the others are the input, each block in the recording's order.
        rows: training trials, and evaluation trials.
        provenance: where the numbers come from.
        psth_sigma_ms: standard deviation of the Gaussian that smooths PSTHs; see `condition_psth`.

    Raises:
        BadInput: a part is empty.
    """
    name, bin_ms = sizes
    heldin = others(whole.counts.shape[2], heldout)
    order = np.concatenate([heldin, heldout])
    behavior = 0 if whole.behavior is None else whole.behavior.shape[-1]
    shape = Sizes(name, float(bin_ms), whole.bins, len(heldin), len(heldout), whole.forward, behavior)
    train, hidden = (_trials(whole, shape, np.arange(len(whole.counts))[part], order) for part in rows)
    seen = TrialArrays(heldin=hidden.heldin, rates=hidden.rates, ids=hidden.ids)
    psth = None if whole.condition is None else condition_psth(whole, psth_sigma_ms / bin_ms)[..., order]
    there = set(whole.units.tolist())
    names = tuple((unit, name) for unit, name in whole.unit_names if unit in there)
    provenance = dataclasses.replace(
        provenance, notes=provenance.notes + whole.notes, behavior=whole.variables, unit_names=names
    )
    split = PopulationSplit(name, shape, train, seen, provenance, units=whole.units[order])
    return split, Answers(name, shape, hidden, psth, whole.units[order])


def _trials(whole: Whole, sizes: Sizes, rows: np.ndarray, order: np.ndarray) -> TrialArrays:
    """Return some trials, their units ordered anew; no array has an intermediate copy."""
    now, later, shown, hidden = slice(whole.bins), slice(whole.bins, None), order[: sizes.heldin], order[sizes.heldin :]
    counts = {"heldin": (now, shown)}
    counts |= {"heldout": (now, hidden)} if sizes.heldout else {}
    counts |= {"heldin_forward": (later, shown)} if sizes.forward else {}
    counts |= {"heldout_forward": (later, hidden)} if sizes.forward and sizes.heldout else {}
    others = {"behavior": whole.behavior, "condition": whole.condition, "ids": whole.ids}
    if whole.states is not None:
        others["states"] = whole.states[:, : whole.bins]
    found = {name: tally.taken(whole.counts, rows, bins, units) for name, (bins, units) in counts.items()}
    if whole.rates is not None:
        found["rates"] = tally.taken(whole.rates, rows, slice(None), order)
    return TrialArrays(**found, **{name: one[rows] for name, one in others.items() if one is not None})


def condition_psth(whole: Whole, sigma_bins: float) -> np.ndarray:
    """Return the expected spikes per bin of each condition, over training and evaluation trials as the benchmark does.

    Where the true rates are known it is their mean, else the mean of the counts smoothed with a Gaussian that is
    normalised anew at the window's edges.

    Args:
        whole: trials with conditions.
        sigma_bins: standard deviation of the Gaussian, bins; 0 for none.

    Returns:
        (conditions, bins, units); NaN in all units of a bin where one was never observed in that condition.
    """
    source = whole.counts if whole.rates is None else whole.rates
    conditions = int(present(whole.condition).max()) + 1
    means = np.full((conditions, *source.shape[1:]), np.nan)
    for index in range(conditions):
        trials = source[whole.condition == index].astype(np.float64)
        seen = (~np.isnan(trials)).sum(axis=0)
        means[index] = np.divide(np.nansum(trials, axis=0), seen, out=means[index], where=seen > 0)
    if whole.rates is None and sigma_bins > 0:
        means = _smooth(means, sigma_bins)
    means[np.isnan(means).any(axis=2)] = np.nan
    return means[:, : whole.bins]


def _smooth(means: np.ndarray, sigma_bins: float) -> np.ndarray:
    known = ~np.isnan(means)
    radius = min(int(3.0 * sigma_bins + 0.5), LONGEST_KERNEL)
    if radius == 0:
        return means
    options = {"sigma": sigma_bins, "axis": 1, "mode": "constant", "radius": radius}
    total = gaussian_filter1d(np.where(known, means, 0.0), **options)
    weight = gaussian_filter1d(known.astype(np.float64), **options)
    return np.divide(total, weight, out=np.full_like(means, np.nan), where=known)


def one_a_trial(columns: Mapping[str, np.ndarray], where: str) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return behaviour of one row a trial, and a note that says what its values mean.

    Args:
        columns: (trials,) each, numbers, NaN where unknown, or one of two texts, empty where unknown.
        where: the beginning of an error's sentence.

    Returns:
        (trials, variables) float32; None where there are no columns.

    Raises:
        BadInput: a column has other values, or infinite ones, or the same in all trials.
    """
    if not columns:
        return None, ()
    values, names = [], []
    for name, column in columns.items():
        there = (column.dtype.kind in "US") & (column != column.dtype.type())
        texts = np.unique(column[there])
        if len(texts) == 2:
            names.append(f"{name} ({texts[0]} 0, {texts[1]} 1)")
            values.append(np.where(there, column == texts[1], np.nan).astype(np.float32))
            continue
        if len(texts) or column.dtype.kind not in "iufb" or np.isinf(column.astype(np.float64)).any():
            got = f"{len(texts)} texts" if len(texts) else f"{column.dtype} or infinity"
            raise BadInput(f"{where}: decode, {name} expected a number, or one of two texts, for each trial, got {got}")
        names.append(name)
        values.append(column.astype(np.float32))
    for name, one in zip(columns, values, strict=True):
        if len(np.unique(one[~np.isnan(one)])) < 2:
            raise BadInput(f"{where}: decode, {name} expected values that differ from trial to trial, got one alone")
    return np.stack(values, axis=1), (f"decoded from each trial's mean rates: {', '.join(names)}",)


def without_condition(condition: np.ndarray | None, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the note on trials, (trials,) as of `condition_index`, of which a column says nothing."""
    missing = 0 if condition is None else int((condition < 0).sum())
    if condition is None or not 0 < missing < len(condition):
        return ()
    return (f"{missing} of {len(condition)} trials have no {listed(columns)}: they are in no condition's PSTH",)


def condition_index(columns: list[np.ndarray]) -> np.ndarray:
    """Number the distinct rows of some columns, in sorted order; -1 where a number is NaN or a text is empty.

    Args:
        columns: (trials,) each.

    Returns:
        (trials,) int64.
    """
    known = np.ones(len(columns[0]), dtype=bool)
    codes = []
    for column in columns:
        if column.dtype.kind == "f":
            known &= ~np.isnan(column)
        elif column.dtype.kind in "US":
            known &= column != column.dtype.type()
        codes.append(np.unique(column, return_inverse=True)[1].reshape(-1))
    index = np.full(len(known), -1, dtype=np.int64)
    if known.any():
        index[known] = np.unique(np.column_stack(codes)[known], axis=0, return_inverse=True)[1].reshape(-1)
    return index
