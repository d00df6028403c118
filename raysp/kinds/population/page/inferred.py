"""What a model says drives the population: inferred inputs over time, and the states that trials begin from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady, present
from raysp.evaluation.components import principal_components
from raysp.kinds.population.case import Case
from raysp.kinds.population.latents_file import read_beside_latents
from raysp.report.style import FAINT, GREY, INK, PALETTE, canvas, colours, mark_time, panels, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from raysp.report.style import Picture

INPUTS, INITIAL = "inferred_inputs", "initial_conditions"
NATS = {"initial_divergence": "initial conditions", "input_divergence": "inputs"}
"""How far each dimension's posterior is from its prior, nats a trial; and what its dimensions are of."""

COLLAPSED = 0.01
"""Nats a trial, on average: a dimension below tells nothing of a trial."""

MOST_INPUTS, SINGLE, MOST_CONDITIONS = 4, 3, 12


def inferred(case: Case) -> Picture:
    """Draw inferred inputs, over all trials, of conditions and of a few trials, initial conditions in a plane, and
    how far each dimension's posterior is from its prior, where that was kept.

    Raises:
        NotReady: the model infers neither, or its trial left none.
        BadInput: its file is damaged.
    """
    found = read_beside_latents(case.folder.latents, case.trial)
    if INITIAL not in found:
        raise NotReady(f"no initial conditions to draw: {case.trial.shown} left none")
    inputs, condition = found.get(INPUTS), case.known.condition
    inputs = None if inputs is None else inside(inputs, case.known.heldin)
    shown, groups = [] if inputs is None else strongest(inputs), _groups(condition)
    nats = {name: found[key].mean(axis=0) for key, name in NATS.items() if key in found}
    count = len(shown) + 1 + bool(nats)
    with canvas(min(9.6, 3.2 * count), 2.7) as figure:
        places = panels(figure, count, count)
        axes, last = places[: len(shown)], places[len(shown)]
        for one, number in zip(axes, shown, strict=True):
            _over_time(one, case, present(inputs)[..., number], groups)
            one.set_title(f"input {number + 1}")
        if axes:
            axes[0].set_ylabel("posterior mean")
        explained = _beginnings(last, found[INITIAL], condition)
        facts = {"inputs": 0 if inputs is None else inputs.shape[2], "shown": len(shown), "single": SINGLE}
        facts |= {"conditions": len(groups), "coloured": condition is not None}
        if nats:
            _by_dimension(places[-1], nats)
        facts["collapsed"] = [
            f"{int((each < COLLAPSED).sum())} of {len(each)} dimensions of {name}" for name, each in nats.items()
        ]
        return picture(figure, __name__, "inferred", explained=explained, least=COLLAPSED, **facts)


def inside(inputs: np.ndarray, heldin: np.ndarray) -> np.ndarray:
    """Return inputs (trials, bins, inputs), NaN in bins outside of a trial, of which no count is known."""
    known, there = heldin[:, : inputs.shape[1]], np.ones(inputs.shape[:2], dtype=bool)
    there[:, : known.shape[1]] = ~np.isnan(known).all(axis=2)
    return np.where(there[..., None], inputs, np.nan)


def strongest(inputs: np.ndarray) -> list[int]:
    """Return the numbers of up to four inputs, those that vary most over bins and trials, in their own order.

    Args:
        inputs: (trials, bins, inputs), NaN where they count for nothing.
    """
    spread = np.nanstd(inputs.reshape(-1, inputs.shape[2]), axis=0)
    return sorted(np.argsort(-spread, kind="stable")[:MOST_INPUTS].tolist())


def _groups(condition: np.ndarray | None) -> list[np.ndarray]:
    """Return which trials each condition has; none where there is one, or more than can be told apart."""
    if condition is None:
        return []
    known = np.unique(condition[condition >= 0])
    return [condition == one for one in known] if 1 < len(known) <= MOST_CONDITIONS else []


def _over_time(axes: Axes, case: Case, values: np.ndarray, groups: list[np.ndarray]) -> None:
    """Draw one input, (trials, bins), with the mean of each group of trials."""
    times = (np.arange(values.shape[1]) + 0.5) * case.split.sizes.bin_ms
    chosen = np.linspace(0, len(values) - 1, min(len(values), SINGLE)).astype(int)
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    axes.plot(times, values[chosen].T, color=GREY, linewidth=0.6, alpha=0.8)
    for group, colour in zip(groups, colours(len(groups)), strict=True):
        axes.plot(times, _mean(values[group]), color=colour, linewidth=1.0)
    axes.plot(times, _mean(values), color=INK, linewidth=1.8)
    mark_time(axes, case.window_ms, case.observed_ms)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return (bins,) means over the trials that are there."""
    there = (~np.isnan(values)).sum(axis=0)
    return np.divide(np.nansum(values, axis=0), there, out=np.full(values.shape[1], np.nan), where=there > 0)


def _beginnings(axes: Axes, initial: np.ndarray, condition: np.ndarray | None) -> float:
    """Draw initial conditions, (trials, dimensions), in two components; return these' share of variance."""
    points, explained = principal_components(initial[:, None], 2)
    flat = points[:, 0]
    second = flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(flat))
    known: list[int] = [] if condition is None else np.unique(condition[condition >= 0]).tolist()
    table = dict(zip(known, colours(len(known)), strict=True))
    paint = [PALETTE[0]] * len(flat) if condition is None else [table.get(int(one), GREY) for one in condition]
    axes.scatter(flat[:, 0], second, c=paint, s=9, linewidths=0)
    axes.set_xlabel("PC 1")
    axes.set_ylabel("PC 2")
    axes.set_title("initial conditions")
    return float(explained.sum())


def _by_dimension(axes: Axes, nats: dict[str, np.ndarray]) -> None:
    """Draw mean nats of each dimension, the largest first, on a logarithmic scale."""
    axes.axhline(COLLAPSED, color=FAINT, linewidth=0.8)
    for (name, each), colour in zip(nats.items(), PALETTE, strict=False):
        order = np.sort(np.maximum(each, 0.1 * COLLAPSED))[::-1]
        axes.plot(np.arange(1, len(order) + 1), order, "o", markersize=3, color=colour, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("dimension, sorted")
    axes.set_ylabel("nats a trial")
    axes.set_title("divergence from the prior")
    axes.legend(fontsize=7)
