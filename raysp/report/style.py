"""How every figure of a report looks: one palette, one type size, one way to become a PNG."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A", "#8C6D31")
"""Okabe & Ito (2008), told apart by people with any colour vision; two more for long lists."""

INK, GREY, FAINT, CORAL = "#222222", "#8A8A8A", "#D9D9D9", "#E8665B"
FLOOR, CEILING = "#9A9A9A", "#222222"
UNKNOWN = "#E9E6E0"
DPI = 105

SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 9.5,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "image.interpolation": "nearest",
    "axes.unicode_minus": True,
}


@dataclass(frozen=True)
class Picture:
    """One figure of the report.

    Attributes:
        name: the PNG's base name.
        title: short, above the figure.
        caption: what is drawn, in which units, and from which trial.
        png: the image.
    """

    name: str
    title: str
    caption: str
    png: bytes


@contextlib.contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure, in inches, in the report's style. No global state: pyplot is never touched."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        yield figure


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG of at most 256 colours, a third of the size and no difference to the eye."""
    import matplotlib
    from PIL import Image

    with matplotlib.rc_context(SETTINGS):
        # Not savefig: it draws every figure twice, and drawing is what takes the time.
        figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    small = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def colours(count: int) -> list[str]:
    """Return so many colours that can be told apart; from nine on, steps of one scale."""
    import matplotlib

    if count <= len(PALETTE):
        return list(PALETTE[:count])
    return [matplotlib.colors.to_hex(c) for c in matplotlib.colormaps["viridis"](np.linspace(0.0, 0.92, count))]


def model_colours(names: Sequence[str], floor: str, ceiling: str) -> dict[str, str]:
    """Return each model's colour: the same on the whole page, floor and ceiling in grey and black."""
    others = [name for name in names if name not in (floor, ceiling)]
    found = dict(zip(others, colours(len(others)), strict=True))
    return {**found, floor: FLOOR, ceiling: CEILING}


def mark_time(axes: Axes, end_ms: float, bins_ms: float) -> None:
    """Label the time axis, and mark where the observed bins end when more were predicted.

    Args:
        axes: whose x axis is ms from the window's start.
        end_ms: length of the whole window.
        bins_ms: length of the observed bins.
    """
    axes.set_xlabel("time in window (ms)")
    if bins_ms < end_ms:
        axes.axvline(bins_ms, color=CORAL, linewidth=1.2)
