"""The analyses of a run's cells, as tables, and clusters of cells by line as a figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from raysp.errors import BadInput, NotReady, present
from raysp.io import files, tables
from raysp.kinds.current_clamp.analyses import AGAIN, NAME, Finding
from raysp.report.style import GREY, PALETTE, Picture, canvas, panels, png
from raysp.runs.folder import RunFolder

TITLES = {
    "decoding": "Cell types, decoded from parameters",
    "split halves": "Importances of two halves of the cells",
    "clusters": "Clusters against lines",
    "separability": "Two groups, told apart",
    "species": "Mouse against human, Mann-Whitney",
    "importance": "Importance of features",
}
MEANS, SMALLEST_P = "mean of", 0.01


@dataclass(frozen=True)
class Tree:
    """Cells as Ward's method joins them.

    Attributes:
        lines: of each cell.
        merges: (cells - 1, 4) as scipy's linkages are: two numbers, of cells or earlier merges, distance, cells.
    """

    lines: list[str]
    merges: np.ndarray


@dataclass(frozen=True)
class Analyses:
    """Rows of analyses.parquet."""

    rows: list[Finding]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def tables(self) -> Iterator[tuple[str, list[Finding]]]:
        """Yield each table's title and rows: of importances their groups, of species what differs."""
        for name, title in TITLES.items():
            rows = [row for row in self.rows if row["analysis"] == name and _shown(row)]
            if rows:
                yield title, rows

    def features(self) -> list[str]:
        """Return what was seen of cells, a text for each model and split."""
        found = ((f"{row['model']}, {row['split']}", row.get("features")) for row in self.rows)
        return list(dict.fromkeys(f"{whose}: {words}" for whose, words in found if words))

    def clusters(self) -> dict[str, dict[tuple[str, str], float]]:
        """Return, by model and split, (cluster, line) -> cells."""
        found: dict[str, dict[tuple[str, str], float]] = {}
        for row in self.rows:
            if row["analysis"] == "cluster by line":
                cluster, line = row["item"].split(", ", 1)
                found.setdefault(f"{row['model']}, {row['split']}", {})[cluster, line] = row["value"]
        return found

    def trees(self) -> dict[str, Tree]:
        """Return the trees of cells by model and split."""
        merges: dict[str, list[tuple[float, ...]]] = {}
        lines: dict[str, list[str]] = {}
        for row in self.rows:
            whose, (first, _, second) = f"{row['model']}, {row['split']}", row["item"].partition(", ")
            if row["analysis"] == "merge":
                merges.setdefault(whose, []).append((float(first), float(second), row["value"], row["count"]))
            elif row["analysis"] == "leaf":
                lines.setdefault(whose, []).append(second)
        return {whose: Tree(lines[whose], np.array(found)) for whose, found in merges.items()}


def read_analyses(run: RunFolder) -> Analyses:
    """Read the analyses of a run; none where there is no table, or a damaged one."""
    path = files.join(run.path, NAME)
    try:
        found = tables.read_table(path, again=AGAIN).to_dicts() if files.exists(path) else []
        return Analyses(cast("list[Finding]", found))
    except (BadInput, NotReady):
        return Analyses([])


def cluster_lines(analyses: Analyses) -> Picture:
    """Draw how many cells of each line each cluster holds.

    Raises:
        NotReady: there are no clusters.
    """
    found = analyses.clusters()
    if not found:
        raise NotReady("no clusters of cells: they want several lines of more than 20 cells each")
    with canvas(9.6, 0.4 + 3.4 * -(-len(found) // 2)) as figure:
        for axes, (name, counts) in zip(panels(figure, len(found), 2), found.items(), strict=True):
            lines = list(dict.fromkeys(line for _, line in counts))
            places = {line: place for place, line in enumerate(lines)}
            x, y = [places[line] for _, line in counts], [int(cluster) for cluster, _ in counts]
            share = np.array(list(counts.values())) / max(counts.values())
            axes.scatter(x, y, s=220 * share, color=PALETTE[0], alpha=0.7, linewidths=0)
            axes.set_xticks(range(len(lines)), lines, rotation=60)
            axes.set(ylabel="cluster", title=name)
            axes.invert_yaxis()
        caption = "Area: cells of a line in a cluster by Ward's method on scaled parameters. Look for rows of one line."
        return Picture("clusters", "Clusters of cells by line", caption, png(figure))


def importances(analyses: Analyses) -> Picture:
    """Draw how much each feature weighs in decoding lines, mean and standard deviation over repeats.

    Raises:
        NotReady: nothing was decoded.
    """
    rows = [one for one in analyses.rows if one["analysis"] == "importance" and MEANS not in one["item"]]
    found: dict[str, list[Finding]] = {}
    for row in rows:
        if row["item"].startswith("lines, "):
            found.setdefault(f"{row['model']}, {row['split']}", []).append(row)
    if not found:
        raise NotReady("no importances: they want several lines of more than 20 cells each")
    with canvas(9.6, 0.3 + 2.4 * len(found)) as figure:
        for axes, (name, own) in zip(panels(figure, len(found), 1), found.items(), strict=True):
            values, spread = ([one[key] or 0.0 for one in own] for key in ("value", "spread"))
            axes.bar(range(len(own)), values, yerr=spread, color=PALETTE[0], ecolor=GREY)
            axes.axhline(1 / len(own), color=GREY, linestyle="--", linewidth=1)
            names = [one["item"].partition(", ")[2] for one in own]
            axes.set_xticks(range(len(own)), names, rotation=60)
            axes.set(ylabel="share of weights", title=name)
        caption = "Norms of a linear decoder's weights of each feature, over their sum; dashed: if all weighed alike."
        return Picture("importances", "What tells lines apart", caption, png(figure))


def _shown(row: Finding) -> bool:
    if row["analysis"] == "importance":
        return MEANS in row["item"]
    return row["analysis"] != "species" or row["item"].endswith("EVR") or present(row["p"]) < SMALLEST_P
