"""The figure of a learning rate's range test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysp.report.style import CORAL, FAINT, GREY, Picture, canvas, png

if TYPE_CHECKING:
    from raysp.training.lr_range import LrRange


def lr_picture(found: LrRange, name: str) -> Picture:
    """Draw the loss against the learning rate, log scale, and mark the suggestion.

    Args:
        found: the test.
        name: of the trial, for the caption.
    """
    with canvas(6.4, 3.2) as figure:
        axes = figure.subplots()
        axes.plot(found.rates, found.losses, color=FAINT, linewidth=1, label="each batch")
        axes.plot(found.rates, found.smooth, color=GREY, linewidth=2, label="moving average")
        if found.suggested is not None:
            axes.axvline(found.suggested, color=CORAL, label=f"suggested {found.suggested:.2g}")
        low, high = min(found.smooth), found.smooth[0]
        room = max(high - low, 1e-6)
        axes.set_ylim(low - 0.3 * room, high + 0.7 * room)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss of the batch")
        axes.legend(loc="upper left")
        caption = f"{name}: the learning rate grows from step to step; suggested is where the loss falls fastest."
        return Picture("lr-range", "Learning rate's range test", caption, png(figure))
