"""Which settings mattered: shares of the objective's variance, with how sure they are."""

from __future__ import annotations

from raysp.report.style import FAINT, PALETTE, Picture, canvas, png
from raysp.search.importance import FORESTS, Importance, importance
from raysp.search.page.view import View

FEW = 30
"""Candidates below which the caption warns."""


def importances(seen: View) -> Picture:
    """Draw the importance of the settings that all candidates have.

    Raises:
        NotReady: too few candidates have ended.
    """
    found = importance(seen.result, seen.low, seen.high)
    names = list(found.shares)[::-1]
    means = [found.shares[name][0] for name in names]
    spread = [found.shares[name][1] for name in names]
    with canvas(7.2, 0.8 + 0.3 * len(names)) as figure:
        axes = figure.subplots()
        axes.barh(names, means, height=0.62, color=PALETTE[0])
        axes.errorbar(means, range(len(names)), xerr=spread, linestyle="none", color="#333333", elinewidth=1, capsize=2)
        axes.set_xlim(0, max(1.08 * max(m + s for m, s in zip(means, spread, strict=True)), 0.1))
        axes.set_xlabel(f"importance for {seen.objective} (bars add up to 1)")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        return Picture("importance", "Importance of the settings", _caption(found, seen), png(figure))


def _caption(found: Importance, seen: View) -> str:
    number = f"{found.used} candidates" + (f" of {found.ended}, evenly thinned" if found.used < found.ended else "")
    few = " With so few candidates the order means little." if found.used < FEW else ""
    left = f" Not judged, since not all candidates have them or they never changed: {', '.join(found.left_out)}."
    stopped = sum(score.state == "stopped" for score in seen.result.scores.values())
    early = f" The {stopped} candidates that ASHA stopped are not among them." if stopped else ""
    return (
        f"fANOVA (Hutter et al. 2014): a random forest learns {seen.objective} from the settings of {number}; a "
        "bar is the part of its variance over the whole space that one setting explains by itself, averaged over the "
        "others, as a share of what all of them so explain. It depends on the ranges searched, says nothing of "
        "direction, and leaves out what settings do together. Error bars: one "
        f"standard deviation over {FORESTS} forests, which does not include the chance in the candidates themselves."
        f"{few}{left if found.left_out else ''}{early}"
    )
