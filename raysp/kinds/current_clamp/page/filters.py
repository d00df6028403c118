"""A cell's filters: gains by time constant, and the kernels that they sum to, of plain and of bent inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from raysp.models.gfr.parameters import Parameters, bent_kernels, kernels
from raysp.report.style import CORAL, GREY, PALETTE, above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KERNEL_S, POINTS = 1.0, 100
CURRENT, RATE = PALETTE[0], CORAL
BENDS = (*PALETTE[2:], PALETTE[1])
"""Colours of bends, the lowest first; more of them begin anew."""


def gains(axes: Axes, parameters: Parameters, bin_ms: int) -> None:
    """Draw the gains of current and own rate by filter; those without memory, which dwarf the others, are numbers."""
    taus = _taus(parameters.decay[1:], bin_ms)
    _bars(axes, taus, {"current": parameters.alpha[0, 1:], "own rate": parameters.beta[0, 1:]}, [CURRENT, RATE])
    alone = f"without memory: α {parameters.alpha[0, 0]:.2f}, β {parameters.beta[0, 0]:.2f}"
    axes.set_title(alone, fontsize=9)


def bent_gains(axes: Axes, parameters: Parameters, bin_ms: int) -> None:
    """Draw the gains of what a current has above each bend, by filter; 0 ms is the one without memory."""
    taus, filters = np.unique(_taus(parameters.bent_decay, bin_ms), return_inverse=True)
    found = {}
    for words, mine in _by_bend(parameters).items():
        found[words] = np.zeros(len(taus))
        found[words][filters[mine]] = parameters.bent[0, mine]
    _bars(axes, taus, found, _colours(len(found)))
    axes.set_title("gains of the current above a bend", fontsize=9)
    above(axes)


def kernels_of(axes: Axes, parameters: Parameters, bin_ms: int) -> None:
    """Draw what current and own rate still count later, from one bin on."""
    current, rate = kernels(parameters, _later(bin_ms))
    _curves(axes, {"current": current[0], "own rate": rate[0]}, [CURRENT, RATE], bin_ms)


def bent_kernels_of(axes: Axes, parameters: Parameters, bin_ms: int) -> None:
    """Draw the same of the current beside what is added to it above each bend."""
    bins = _later(bin_ms)
    added = bent_kernels(parameters, bins)[0]
    found = {words: added[mine].sum(axis=0) for words, mine in _by_bend(parameters).items()}
    current = {"current": kernels(parameters, bins)[0][0]}
    _curves(axes, current | found, [CURRENT, *_colours(len(found))], bin_ms)


def _by_bend(parameters: Parameters) -> dict[str, np.ndarray]:
    """Return which inputs each bend has, (bent,) bool, the lowest first."""
    bends = parameters.bend[0]
    return {f"above {bend:.0f} pA": bends == bend for bend in np.unique(bends)}


def _colours(count: int) -> list[str]:
    return [BENDS[place % len(BENDS)] for place in range(count)]


def _taus(decay: np.ndarray, bin_ms: int) -> np.ndarray:
    """Return time constants, ms; 0 of a filter without memory."""
    return np.round(-bin_ms / np.log(np.clip(decay, 1e-300, None)) * (decay > 0), 6)


def _later(bin_ms: int) -> np.ndarray:
    # At 0 the filter without memory counts, too, and dwarfs all others.
    return np.linspace(1, 1000 * KERNEL_S / bin_ms, POINTS)


def _bars(axes: Axes, taus: np.ndarray, found: Mapping[str, np.ndarray], colours: list[str]) -> None:
    places, width = np.arange(len(taus)), 0.8 / len(found)
    for place, (words, values) in enumerate(found.items()):
        shift = (place - (len(found) - 1) / 2) * width
        axes.bar(places + shift, values, width, color=colours[place], label=words)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xticks(places, [f"{tau:.0f}" for tau in taus])
    axes.set(xlabel="time constant (ms)", ylabel="gain")


def _curves(axes: Axes, found: Mapping[str, np.ndarray], colours: list[str], bin_ms: int) -> None:
    seconds = _later(bin_ms) * bin_ms / 1000
    for (words, values), colour in zip(found.items(), colours, strict=True):
        axes.plot(seconds, values, color=colour, linewidth=1.5, label=words)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="time ago (s)", ylabel="kernel", title="from one bin on")
    above(axes)
