"""Two objectives against each other, and the candidates that no other one beats in both."""

from __future__ import annotations

from raysp.errors import NotReady
from raysp.report.style import FAINT, Picture, canvas, png
from raysp.search.objective import best_first, dominates
from raysp.search.page.view import DEFAULTS, WINNER, View, view
from raysp.search.result import Result


def pareto(result: Result) -> Picture:
    """Draw the candidates by their first two objectives, with the Pareto front of these two.

    Raises:
        NotReady: the study has one objective, or no candidate has ended.
    """
    from matplotlib.ticker import MaxNLocator

    names = result.study.definition.objectives
    if len(names) < 2:
        raise NotReady("no Pareto front: the study has one objective")
    left, right = view(result, names[0]), view(result, names[1])
    done = [n for n in result.order if n in left.means and n in right.means]
    if not done:
        raise NotReady("no Pareto front: no candidate of this study has ended yet")
    with canvas(6.4, 4.6) as figure:
        axes = figure.subplots()
        xs, ys = [left.shown(left.means[n]) for n in done], [right.shown(right.means[n]) for n in done]
        points = axes.scatter(xs, ys, c=done, cmap="viridis_r", s=22, alpha=0.85, zorder=3)
        line = [(left.shown(left.means[n]), right.shown(right.means[n])) for n in front_of(left, right, done)]
        # Between two candidates of the front only their worse values together are known to be reachable.
        where = "post" if best_first(names[0]) > 0 else "pre"
        axes.step(*zip(*line, strict=True), where=where, color=WINNER, linewidth=1.3, label="Pareto front", zorder=2)
        for number, name, marker, colour in (
            (left.defaults, "defaults", "D", DEFAULTS),
            (result.winner, "winner", "*", WINNER),
        ):
            if number in done:
                at = left.shown(left.means[number]), right.shown(right.means[number])
                look = {"markeredgecolor": "white", "linestyle": "none", "zorder": 4}
                axes.plot(*at, marker=marker, markersize=8 if marker == "D" else 14, color=colour, label=name, **look)
        axes.set_xlim(left.low - 0.02 * (left.high - left.low), left.high + 0.02 * (left.high - left.low))
        axes.set_ylim(right.low - 0.02 * (right.high - right.low), right.high + 0.02 * (right.high - right.low))
        axes.set_xlabel(f"{names[0]} ({left.better})")
        axes.set_ylabel(f"{names[1]} ({right.better})")
        axes.grid(color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        figure.colorbar(points, ax=axes, label="candidate", pad=0.02, ticks=MaxNLocator(6, integer=True))
        figure.legend(loc="outside upper center", ncols=3)
        return Picture("front", f"{names[0]} against {names[1]}", _caption(left, right), png(figure))


def front_of(left: View, right: View, candidates: list[int]) -> list[int]:
    """Return the candidates that no other one beats in both objectives, by rising value of the first."""
    names = (left.objective, right.objective)
    points = {n: (left.means[n], right.means[n]) for n in candidates}
    kept = [n for n in candidates if not any(dominates(other, points[n], names) for other in points.values())]
    return sorted(kept, key=lambda n: points[n])


def _caption(left: View, right: View) -> str:
    more = len(left.result.study.definition.objectives) - 2
    rest = f" {more} more objective{'s' if more > 1 else ''} decided too and cannot be seen here." if more else ""
    edge = " Values beyond the drawn range lie at its edge." if left.clipped or right.clipped else ""
    return (
        "Mean over seeds of each candidate that ended. On the line nothing improves one objective without loss in the "
        f"other; of those, the one best in {left.objective} is the winner.{rest}{edge}"
    )
