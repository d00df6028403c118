"""Colours of the models of spike trains, the same in every figure: Poisson counts by interval, from light to dark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raysp.kinds.stimulus.page.lines import Line
from raysp.report.style import CEILING, FLOOR, PALETTE, colours

NETWORKS = ("#0072B2", "#009E73", "#CC79A7", "#6A3D9A", "#56B4E9")
SCALE, LIGHTEST, DARKEST = "YlOrBr", 0.36, 0.95

LIGHTS = {"red 630 nm": "#D62728", "green 530 nm": "#2E9E46", "blue 480 nm": "#2B6CB8", "UV 420 nm": "#7B3FA0"}
"""The four lights of the retina recordings of Doran et al. 2024, in the order of the channels."""

OTHERS = ("#222222", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A")


def line_colours(lines: Sequence[Line]) -> dict[str, str]:
    """Return each model's colour. Counts of one interval share theirs, whether predicted or true."""
    import matplotlib

    networks = list(dict.fromkeys(line.model for line in lines if line.role == "network"))
    palette = NETWORKS if len(networks) <= len(NETWORKS) else colours(max(len(networks), len(PALETTE) + 1))
    found = dict(zip(networks, palette, strict=False))
    intervals = sorted({line.interval for line in lines if line.interval is not None and line.role != "network"})
    steps = np.linspace(LIGHTEST, DARKEST, len(intervals)) if len(intervals) > 1 else [0.7]
    scale = dict(zip(intervals, matplotlib.colormaps[SCALE](steps), strict=False))
    for line in lines:
        if line.role != "network" and line.interval is not None:
            found[line.model] = matplotlib.colors.to_hex(scale[line.interval])
        else:
            found.setdefault(line.model, FLOOR if line.role == "floor" else CEILING)
    return found


def channel_colours(channels: int, builder: str) -> dict[str, str]:
    """Return the names and colours of a stimulus' channels.

    Args:
        channels: how many.
        builder: what built the split; a retina recording's four channels are known lights.
    """
    if channels == len(LIGHTS) and builder.startswith("retina"):
        return LIGHTS
    return {f"channel {i}": OTHERS[i % len(OTHERS)] for i in range(channels)}
