"""Behaviour decoded from predicted rates, beside the recorded one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.evaluation.r2 import r2_columns
from raysp.evaluation.ridge import fit_ridge
from raysp.evaluation.run import is_nlb
from raysp.evaluation.velocity import ALPHAS
from raysp.report.case import Case
from raysp.report.style import FAINT, INK, PALETTE, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRACES, PATHS, FOLDS = 6, 60, 5


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
    decoded = decode(case)
    whole = np.flatnonzero(np.isfinite(true).all(axis=(1, 2)) & np.isfinite(decoded).all(axis=(1, 2)))
    if not len(whole):
        raise NotReady("no decoding: no evaluation trial has behaviour in all of its bins")
    is_velocity = is_nlb(case.trial.split) and true.shape[2] == 2
    variables = min(true.shape[2], 2)
    with canvas(9.6, 1.0 + 1.7 * variables) as figure:
        grid = figure.add_gridspec(variables, 3 if is_velocity else 2)
        first = None
        for k in range(variables):
            first = axes = figure.add_subplot(grid[k, :2], sharex=first)
            _traces(axes, case, true[..., k], decoded[..., k], whole[_spread(len(whole), TRACES)])
            name = f"velocity {'xy'[k]}" if is_velocity else f"behaviour {k + 1}"
            axes.set_ylabel(f"{name}\n(recording's unit)")
        axes.set_xlabel("time (ms), trials side by side")
        if is_velocity:
            _paths(figure.add_subplot(grid[:, 2]), case, true, decoded, whole[_spread(len(whole), PATHS)])
        _legend(figure)
        return Picture("velocity", "Decoded behaviour", _caption(case, true, decoded, is_velocity), png(figure))


def decode(case: Case) -> np.ndarray:
    """Return (trials, bins, variables) behaviour decoded from the evaluation trials' rates; NaN without a decoder.

    Ridge regression fitted on all training trials, as for "vel R2": one decoder per column of the decode mask.
    """
    train, known = case.split.train, case.known
    rates, behavior = case.training_rates(), train.behavior
    masks = _masks(train.decode_mask, len(train)), _masks(known.decode_mask, len(known))
    decoded = np.full((*case.prediction.rates.shape[:2], behavior.shape[2]), np.nan)
    for k in range(masks[0].shape[1]):
        rows = np.isfinite(behavior).all(axis=2) & masks[0][:, k, None]
        if rows.sum() < FOLDS:
            continue
        weights, intercept = fit_ridge(rates[rows], behavior[rows], ALPHAS, FOLDS)
        chosen = masks[1][:, k]
        decoded[chosen] = case.prediction.rates[chosen] @ weights + intercept
    return decoded


def _masks(mask: np.ndarray | None, trials: int) -> np.ndarray:
    return np.ones((trials, 1), dtype=bool) if mask is None else mask.astype(bool)


def _spread(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(int))


def _traces(axes: Axes, case: Case, true: np.ndarray, decoded: np.ndarray, trials: np.ndarray) -> None:
    bin_ms, bins = case.split.sizes.bin_ms, true.shape[1]
    step = (bins + max(bins // 12, 1)) * bin_ms
    time = (np.arange(bins) + 0.5) * bin_ms
    for i, trial in enumerate(trials):
        axes.plot(i * step + time, true[trial], color=INK, linewidth=1.6, alpha=0.65)
        axes.plot(i * step + time, decoded[trial], color=PALETTE[1], linewidth=1.4)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)


def _paths(axes: Axes, case: Case, true: np.ndarray, decoded: np.ndarray, trials: np.ndarray) -> None:
    seconds = case.split.sizes.bin_ms / 1000.0
    for array, colour in ((true, INK), (decoded, PALETTE[1])):
        for path in np.cumsum(array[trials], axis=1) * seconds:
            axes.plot(*path.T, color=colour, linewidth=0.7, alpha=0.55)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title("paths (velocity summed over time)")
    axes.set_xlabel("x (recording's unit · s)")
    axes.set_ylabel("y (recording's unit · s)")


def _legend(figure) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=INK, linewidth=1.6, alpha=0.65, label="recorded"),
        Line2D([], [], color=PALETTE[1], linewidth=1.4, label="decoded from rates"),
    ]
    figure.legend(handles=lines, loc="outside upper left", ncols=2)


def _caption(case: Case, true: np.ndarray, decoded: np.ndarray, paths: bool) -> str:
    both = np.isfinite(true).all(axis=2) & np.isfinite(decoded).all(axis=2)
    r2 = r2_columns(true[both].astype(np.float64), decoded[both])
    parts = ", ".join(f"{value:.2f}" for value in r2).replace("-", "−")
    tail = f" Paths of up to {PATHS} trials, each from the origin." if paths else ""
    return (
        "Ridge regression from the rates of all neurons to behaviour, fitted on the training trials. "
        f"R² over all evaluation trials: {parts} ({'x, y' if len(r2) == 2 else 'by variable'}).{tail}"
    )
