"""What the cells of a run say of cell types, clusters and species: analyses.parquet, a row per statistic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict, get_args, get_type_hints

import numpy as np

from raysp.evaluation import cell_types
from raysp.io import files, tables
from raysp.io.rows import Row
from raysp.kinds.current_clamp.features import EXCITATORY, Features, common_lines, features_of
from raysp.kinds.current_clamp.parameters_file import PROTOCOLS
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import Call, Jobs, in_turn

if TYPE_CHECKING:
    import polars

NAME, AGAIN = "analyses.parquet", "remove it and run: raysp evaluate RUN"
FORMAT = 2


class Finding(TypedDict):
    """A row of the table.

    `analysis` is "decoding", "importance", "split halves", "clusters", "cluster by line", "species" or "separability";
    of the clusters' tree also "leaf" (number of a cell, its line) and, in order, "merge" (of two cells or earlier
    merges, which are numbered on after the cells). `features` is what was seen of cells, as `Features.words`; `item`
    what was decoded, tested, counted or merged; `count` of cells; `spread` the standard deviation over repeats or
    folds.
    """

    split: str
    model: str
    features: str
    analysis: str
    item: str
    statistic: str
    count: int
    value: float
    spread: float | None
    p: float | None


DECODERS: tuple[cell_types.Decoder, ...] = get_args(cell_types.Decoder)
TEST_GROUPS = ("all", "spiny", "aspiny")
LEAST = 8
"""Cells of a group that are tested."""

FEW = 200
"""Cells up to which all is done here, sooner than other processes would begin."""


def write_analyses(run: RunFolder, cells: polars.DataFrame, jobs: Jobs = in_turn) -> None:
    """Write the analyses of a run's cells; nothing where no model has enough of them. They are not done twice.

    Args:
        run: the run folder.
        cells: its table of fits, with `best`.
        jobs: what runs parts of it side by side.
    """
    import polars

    path = files.join(run.path, NAME)
    cells = cells.filter(polars.col("best") & polars.col("protocol").is_in(PROTOCOLS))
    whose, fitted = ("split", "model", "unit", "bin_ms"), ("alpha", "beta", "bend", "bent", "bent_lambda", "poly_coeff")
    known = (*fitted, "sigma", "threshold", "gamma", "test_evr", "species", "line", "dendrite")
    now = {"format": FORMAT, "cells": files.digest(cells.select(*whose, *known).to_dicts())}
    if files.exists(path) and tables.read_note(path, AGAIN).get("made_from") == now:
        return
    whole = [
        ({"split": split, "model": model}, features_of(part))
        for (split, model), part in cells.group_by("split", "model", maintain_order=True)
        if part["alpha"].list.len().n_unique() == 1
    ]
    calls: list[Call] = [((found, part), {}) for _, found in whole for part in PARTS]
    done = iter((jobs if len(cells) > FEW else in_turn)(f"{__name__}.analysed", calls))
    rows = [{**of, "features": found.words, **row} for of, found in whole for _ in PARTS for row in next(done)]
    if not rows:
        files.remove(path)
        return
    table = polars.DataFrame(rows, schema=get_type_hints(Finding))
    tables.write_table(path, table, {"made_from": now})


def analysed(found: Features, part: str) -> list[Row]:
    """Return the rows of one of PARTS, of one model's cells at one width of bins; none where there are too few."""
    return list(PARTS[part](found))


def _of_lines(found: Features) -> Iterator[Row]:
    lines = common_lines(found)
    yield from _decoded(lines, "lines", lines.line)


def _of_kinds(found: Features) -> Iterator[Row]:
    lines = common_lines(found)
    kind = np.where(np.isin(lines.line, EXCITATORY), "excitatory", "inhibitory")
    yield from _decoded(lines, "excitatory or inhibitory", kind)


def _decoded(found: Features, task: str, labels: np.ndarray) -> Iterator[Row]:
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2:
        return
    for decoder in DECODERS:
        got = cell_types.decode(found.values, labels, decoder)
        item = f"{task}, {decoder}"
        yield _row("decoding", item, "weighted F1", labels, got.f1)
        yield _row("decoding", item, "accuracy", labels, got.accuracy)
        if decoder == "linear":
            yield from _importances(found, task, labels, got.importance)
    if counts.min() >= 4:
        for name, halves in zip(("Pearson", "Spearman"), cell_types.split_halves(found.values, labels), strict=True):
            yield _row("split halves", task, f"{name} of importances", labels, halves)


def _importances(found: Features, task: str, labels: np.ndarray, values: np.ndarray) -> Iterator[Row]:
    for name, own in zip(found.names, values.T, strict=True):
        yield _row("importance", f"{task}, {name}", "share of weights", labels, own)
    for group in dict.fromkeys(found.group_of):
        own = values[:, found.group_of == group].mean(axis=1)
        yield _row("importance", f"{task}, mean of {group}", "share of weights", labels, own)


def _clusters(whole: Features) -> Iterator[Row]:
    found = common_lines(whole)
    if len(np.unique(found.line)) < 2:
        return
    got = cell_types.clusters(found.values, found.line)
    yield _row("clusters", f"{len(got.counts)} by Ward", "adjusted Rand index", found.line, [got.ari])
    yield _row("clusters", f"{len(got.counts)} by Ward", "V-measure", found.line, [got.v_measure])
    for cluster, counts in enumerate(got.counts):
        for line, count in zip(got.labels, counts, strict=True):
            yield _row("cluster by line", f"{cluster + 1}, {line}", "cells", found.line, [float(count)])
    for one, other, distance, count in got.merges.tolist():
        row = _row("merge", f"{one:.0f}, {other:.0f}", "distance", found.line, [distance])
        yield {**row, "count": int(count)}
    for cell, line in enumerate(found.line.tolist()):
        yield {**_row("leaf", f"{cell}, {line}", "cells", found.line, [1.0]), "count": 1}


def _of_species(found: Features) -> Iterator[Row]:
    for group in TEST_GROUPS:
        yield from _of_group(found if group == "all" else found.select(found.dendrite == group), group)


def _of_group(found: Features, group: str) -> Iterator[Row]:
    mouse, human = (found.species == name for name in ("mouse", "human"))
    if min(mouse.sum(), human.sum()) < LEAST:
        return
    for name, values in [("EVR", found.evr), *zip(found.names, found.values.T, strict=True)]:
        share, p = cell_types.ranks(values[mouse], values[human])
        row = _row("species", f"{group}, {name}", "share of pairs larger in mouse", found.species, [share])
        yield {**row, "p": p}


def _separable(found: Features) -> Iterator[Row]:
    known = {
        "mouse or human": (found.select(np.isin(found.species, ("mouse", "human"))), "species"),
        "spiny or aspiny, mouse": (_of_dendrites(found, "mouse"), "dendrite"),
        "spiny or aspiny, human": (_of_dendrites(found, "human"), "dendrite"),
    }
    for task, (cells, name) in known.items():
        labels = getattr(cells, name)
        counts = np.unique(labels, return_counts=True)[1]
        if len(counts) == 2 and counts.min() >= LEAST:
            for decoder in ("logistic", "forest"):
                areas = cell_types.separable(cells.values, labels, decoder)
                yield _row("separability", f"{task}, {decoder}", "ROC area", labels, areas)
    both = found.select(np.isin(found.dendrite, ("spiny", "aspiny")))
    mouse, human = (both.species == name for name in ("mouse", "human"))
    if all(_two(both.dendrite[cells]) for cells in (mouse, human)):
        area = cell_types.transfer(both.values, both.dendrite, mouse, human)
        yield _row("separability", "spiny or aspiny, human by mouse, forest", "ROC area", both.dendrite[human], [area])


def _of_dendrites(found: Features, species: str) -> Features:
    return found.select((found.species == species) & np.isin(found.dendrite, ("spiny", "aspiny")))


def _two(labels: np.ndarray) -> bool:
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) == 2 and counts.min() >= LEAST


def _row(analysis: str, item: str, statistic: str, labels: np.ndarray, values: Sequence[float] | np.ndarray) -> Row:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    common: Row = {"analysis": analysis, "item": item, "statistic": statistic, "count": len(labels)}
    return {**common, "value": float(np.mean(values)), "spread": spread, "p": None}


PARTS: Mapping[str, Callable[[Features], Iterator[Row]]] = {
    "lines": _of_lines,
    "excitatory or inhibitory": _of_kinds,
    "clusters": _clusters,
    "species": _of_species,
    "separability": _separable,
}
"""What is done by itself, in the order of the table."""
