"""How every figure of a report looks: one sheet (report.mplstyle), one palette, one way to become a PNG."""

from __future__ import annotations

import contextlib
import io
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from raysp.errors import present
from raysp.report.templates import caption

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure, SubFigure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A", "#8C6D31")
"""Okabe & Ito (2008), told apart by people with any colour vision; two more for long lists."""

INK, GREY, FAINT, CORAL = "#222222", "#8A8A8A", "#D9D9D9", "#E8665B"
FLOOR, CEILING = "#9A9A9A", "#222222"
UNKNOWN = "#E9E6E0"
Look = dict[str, Any]
"""How something is drawn, in matplotlib's words."""

SHEET = pathlib.Path(__file__).with_name("report.mplstyle")


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
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.style.context(SHEET):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure


def picture(figure: Figure, module: str, name: str, /, **facts: object) -> Picture:
    """Return a figure, while its canvas is open, with its title and caption, see `raysp.report.templates.caption`."""
    return Picture(name, *caption(module, name, **facts), png(figure))


def png(figure: Figure) -> bytes:
    """Return a figure, while its canvas is open, as a PNG of 256 colours: a third of the size, alike to the eye."""
    from PIL import Image

    few_ticks(figure)
    # Not savefig: it draws every figure twice, and drawing is what takes the time.
    figure.canvas.draw()
    image = Image.fromarray(np.asarray(cast("FigureCanvasAgg", figure.canvas).buffer_rgba())[..., :3])
    small = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(small, format="png", compress_level=6)
    return small.getvalue()


TICKS = 5


def few_ticks(figure: Figure) -> None:
    """Leave axes that choose their own ticks a handful: laying out and drawing ticks is most of what a figure costs."""
    from matplotlib.ticker import AutoLocator

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(locator := axis.get_major_locator(), AutoLocator):
                locator.set_params(nbins=TICKS)


def outer_ticks(grid: Sequence[Axes], *, x: bool = True, y: bool = True) -> None:
    """Take the ticks, and the lines of a grid across them, from panels that share their axes with those outside.

    Args:
        grid: the panels, of one grid.
        x: whether all of a column share theirs.
        y: whether all of a row share theirs.
    """
    for axes in grid:
        place = present(axes.get_subplotspec())
        axes.xaxis.set_visible(not x or place.is_last_row())
        axes.yaxis.set_visible(not y or place.is_first_col())


COLOURED = (
    ("smoothing", "sae", "masked_gru", "unet", "reduced_rank", "ndt", "masked_cnn", "ensemble"),
    ("distance_unet", "poisson_counts", "distance_shared", "poisson_shared"),
    ("gfr", "clamp_linear", "clamp_static", "clamp_psth", "clamp_gru", "clamp_activation", "clamp_mean_rate"),
    ("gfr_network", "rnn_classifier", "lstm_classifier", "snn_leaky", "snn_synaptic"),
    ("coupled_glm", "sample_measure", "movie_psth"),
)
"""Models that are compared with each other, each with the palette's colour at its place, so the same on every page.

Others, and second labels of a model, take what is free."""


def colours(count: int) -> list[str]:
    """Return so many colours that can be told apart; from nine on, steps of one scale."""
    import matplotlib

    if count <= len(PALETTE):
        return list(PALETTE[:count])
    return [matplotlib.colors.to_hex(c) for c in matplotlib.colormaps["viridis"](np.linspace(0.0, 0.92, count))]


def model_colours(names: Sequence[str], floor: str, ceiling: str) -> dict[str, str]:
    """Return each model's colour, the same on every page as far as there are enough; floor grey, ceiling black.

    >>> model_colours(["mean_rate", "mine", "sae"], "mean_rate", "")["sae"] == model_colours(["sae"], "", "")["sae"]
    True
    """
    others = [name for name in names if name not in (floor, ceiling)]
    if len(others) > len(PALETTE):
        return {**dict(zip(others, colours(len(others)), strict=True)), floor: FLOOR, ceiling: CEILING}
    own = {name: PALETTE[place] for known in COLOURED for place, name in enumerate(known)}
    found = {name: own[name] for name in others if name in own}
    free = iter(colour for colour in PALETTE if colour not in found.values())
    found |= {name: next(free) for name in others if name not in own}
    return {**found, floor: FLOOR, ceiling: CEILING}


def panels(figure: Figure | SubFigure, count: int, columns: int, **look: Any) -> list[Axes]:
    """Return so many axes in rows, of so many columns at most; `look` goes to `subplots`. The last row may be short."""
    columns = min(count, columns)
    grid = figure.subplots(-(-count // columns), columns, squeeze=False, **look).ravel()
    for axes in grid[count:]:
        axes.set_visible(False)
    return list(grid[:count])


def colorbar(
    figure: Figure | SubFigure, image: ScalarMappable, axes: Axes | Sequence[Axes], label: str = "", **look: Any
) -> Any:
    """Add a colour bar without a frame beside (or below) axes and return it; `look` goes to `colorbar`."""
    bar = figure.colorbar(image, ax=axes, **look)
    bar.outline.set_visible(False)
    bar.set_label(label)
    return bar


def legend(figure: Figure | SubFigure, marks: Mapping[str, Look], **place: Any) -> None:
    """Add a legend of lines or markers that stand for many: label -> how the line is drawn."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], label=label, **look) for label, look in marks.items()]
    figure.legend(handles=lines, ncols=len(lines), **place)


def above(axes: Axes) -> None:
    """Add a legend of what axes have between their title and their curves' room, over none of them."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3, fontsize=7.5, borderpad=0, columnspacing=1.0)
    axes.set_title(axes.get_title(), pad=15)


def shared_legend(figure: Figure | SubFigure, **place: Any) -> None:
    """Add one legend of what any of the figure's axes has, each label once, in the order in which it first occurs."""
    found: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(found.values(), found.keys(), **({"ncols": len(found)} | place))


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
