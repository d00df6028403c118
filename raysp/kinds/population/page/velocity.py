"""Behaviour decoded from predicted rates, beside the recorded one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.evaluation.behavior import Decoding, decodings, variables_of
from raysp.kinds.population.case import Case
from raysp.report.style import FAINT, INK, PALETTE, Look, Picture, canvas, legend, outer_ticks, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VELOCITIES = (("velocity x", ""), ("velocity y", ""))
UNSAID = "recording's unit"
TRACES, PATHS, VARIABLES = 6, 60, 4
RECORDED: Look = {"color": INK, "linewidth": 1.6, "alpha": 0.65}
DECODED: Look = {"color": PALETTE[1], "linewidth": 1.4}


def velocity(case: Case) -> Picture:
    """Draw recorded and decoded behaviour over time, and hand paths where the behaviour is a 2-D velocity.

    Raises:
        NotReady: no behaviour was recorded per bin, or its evaluation part is not known.
    """
    true = case.known.behavior
    if case.split.train.behavior is None or true is None:
        raise NotReady("no decoding: no behaviour is known for this split")
    if true.ndim != 3:
        raise NotReady("no decoding: this split's behaviour is one row per trial, not one per bin")
    found = decoded_behavior(case)
    if all(one.found is None for one in found):
        raise NotReady(f"no decoding: {found[0].reason}")
    decoded = np.concatenate([_values(one, true) for one in found], axis=2)
    shown = [k for k in range(true.shape[2]) if np.isfinite(decoded[..., k]).any()][:VARIABLES]
    whole = np.flatnonzero((np.isfinite(true) & np.isfinite(decoded))[..., shown].all(axis=(1, 2)))
    if not len(whole):
        raise NotReady("no decoding: no evaluation trial has behaviour in all of its bins")
    paths = len(found) == 1 and len(found[0].variables) == 2
    unnamed = paths and not case.split.provenance.behavior
    variables = [*VELOCITIES] if unnamed else variables_of(case.split.provenance, true.shape[2])
    units = [unit or UNSAID for _, unit in variables]
    with canvas(9.6, 1.0 + 1.7 * len(shown)) as figure:
        grid = figure.add_gridspec(len(shown), 3 if paths else 2)
        rows: list[Axes] = []
        for row, k in enumerate(shown):
            axes = figure.add_subplot(grid[row, :2], sharex=rows[-1] if rows else None)
            rows.append(axes)
            _traces(axes, case, true[..., k], decoded[..., k], whole[_spread(len(whole), TRACES)])
            axes.set_ylabel(f"{variables[k][0]}\n({units[k]})")
        outer_ticks(rows, y=False)
        rows[-1].set_xlabel("time (ms), trials side by side")
        if paths:
            axes = figure.add_subplot(grid[:, 2])
            _paths(axes, case, true, decoded, whole[_spread(len(whole), PATHS)])
            lengths = [unit.removesuffix("/s") if unit.endswith("/s") else f"{unit} · s" for unit in units]
            axes.set(xlabel=f"x ({lengths[0]})", ylabel=f"y ({lengths[1]})")
        legend(figure, {"recorded": RECORDED, "decoded from rates": DECODED}, loc="outside upper left")
        names = [[variables[k][0] for k in one.variables] for one in found]
        facts = {"found": found, "names": names, "paths": paths, "shown": len(shown), "most": PATHS}
        return picture(figure, __name__, "velocity", **facts)


def decoded_behavior(case: Case) -> list[Decoding]:
    """Return the decoders that are scored: what is drawn and what is in the tables is one computation."""
    return decodings(
        case.split.sizes.dataset, case.split.train, case.known, case.training_rates(), case.prediction.rates
    )


def _values(one: Decoding, true: np.ndarray) -> np.ndarray:
    return np.full((*true.shape[:2], len(one.variables)), np.nan) if one.found is None else one.found.values


def _spread(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(int))


def _traces(axes: Axes, case: Case, true: np.ndarray, decoded: np.ndarray, trials: np.ndarray) -> None:
    bin_ms, bins = case.split.sizes.bin_ms, true.shape[1]
    step = (bins + max(bins // 12, 1)) * bin_ms
    time = (np.arange(bins) + 0.5) * bin_ms
    for i, trial in enumerate(trials):
        axes.plot(i * step + time, true[trial], **RECORDED)
        axes.plot(i * step + time, decoded[trial], **DECODED)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)


def _paths(axes: Axes, case: Case, true: np.ndarray, decoded: np.ndarray, trials: np.ndarray) -> None:
    seconds = case.split.sizes.bin_ms / 1000.0
    for array, colour in ((true, INK), (decoded, PALETTE[1])):
        for path in np.cumsum(array[trials], axis=1) * seconds:
            axes.plot(*path.T, color=colour, linewidth=0.7, alpha=0.55)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title("paths (velocity summed over time)")
