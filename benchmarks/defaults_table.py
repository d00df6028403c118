"""The table of models at their defaults: docs/results/defaults.parquet and its page, cell by cell.

    python benchmarks/defaults_table.py --minutes 60 --root data    # measures what is missing, most useful cells first
    python benchmarks/defaults_table.py                             # the page anew, of the cells that are there

A cell is one recording, model and seed of experiments/defaults.py, fitted in a process of its own as `raysp.fit` does,
and written once it is there: what is stopped goes on with the same command, in another session too. A cell says by
which code of the model and from which data it was measured. Cells of other data are dropped; those of other code stay
until they are measured anew, and the page marks them.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import multiprocessing
import pathlib
import runpy
import signal
import statistics
import time
from collections.abc import Iterator
from typing import Any

import click
import polars
import study_tables
from polars import col

import raysp
from raysp.cli.experiment_file import load_experiment
from raysp.config import code_hash, settings
from raysp.config.experiment import Experiment
from raysp.data.sources import prepare
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.words import number
from raysp.models import catalog
from raysp.notebook.loaded_split import LoadedSplit

HERE = pathlib.Path(__file__).parent.parent
EXPERIMENT = HERE / "experiments" / "defaults.py"
PAGE = study_tables.TABLES / "defaults.md"
TABLE = PAGE.with_suffix(".parquet")
BEFORE = study_tables.TABLES / "defaults_before.parquet"
"""Cells of commit d0a2884, whose defaults were those before any was tried on recordings of so many kinds."""

BIN_WIDTHS = ("20ms", "05ms")
FLOOR, BASELINES, CEILING = "mean_rate", ("smoothing", "reduced_rank"), "true_rates"
SEVERAL = {"sae": 3, "masked_gru": 3, "unet": 3}
"""Model -> how many seeds it is fitted from; others from one."""

LONGEST_S = 180.0
"""CPU seconds that a fit may take; one that takes more is given up, and its cell says so."""

LITTLE = 0.5
KEY, OTHER = ("recording", "model", "seed"), "°"
SCORE, DEVIANCE, TOO_LONG, FAILED = "co-bps", "masked deviance", "too long", "failed"
RATIO, WEIGHT = "predicted / recorded spikes", "weight against the mean rate"
PLACE = {SCORE: "held-out units", DEVIANCE: "held-in units"}

SCHEMA = {
    **dict.fromkeys(("recording", "model"), polars.String),
    "seed": polars.Int64,
    **dict.fromkeys(("code", "data", "measure"), polars.String),
    **dict.fromkeys(("score", "ratio", "weight", "seconds"), polars.Float64),
}

Rows = dict[tuple[str, str], dict[str, Any]]
Cell = tuple[str, str, int]
"""A recording, a model, a seed."""


class TooLong(Exception):
    """A fit took more CPU seconds than it may."""


def measured(cell: Cell, code: str, root: str) -> dict[str, object]:
    """Return one row of the table; of a fit that took too long, or failed, without a score.

    Args:
        cell: what to measure.
        code: the digest of the model's code.
        root: the data root.
    """
    recording, model, seed = cell
    split = _loaded(recording, root)
    row = {**dict.fromkeys(SCHEMA), **dict(zip(KEY, cell, strict=True)), "code": code, "data": split.header.fingerprint}
    signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    started = time.process_time()
    try:
        fitted = raysp.fit(model, split, seed=seed, device="cpu", progress=False)
    except TooLong:
        return {**row, "measure": TOO_LONG, "seconds": time.process_time() - started}
    except BadInput as error:
        return {**row, "measure": f"{FAILED}: {error}", "seconds": time.process_time() - started}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
    seconds = time.process_time() - started
    whole = fitted.scores(split).filter(col("unit").is_null(), col("unit_index").is_null())
    found = {(metric, of): value for metric, of, value in whole.select("metric", "parameter", "value").iter_rows()}
    name = SCORE if found.get((SCORE, None)) is not None else DEVIANCE
    score = found.get((name, None))
    return {
        **row,
        "measure": name,
        "score": -score if name == DEVIANCE and score is not None else score,
        "ratio": found.get((RATIO, None)),
        "weight": found.get((WEIGHT, PLACE[name])),
        "seconds": seconds,
    }


def _give_up(number: int, frame: object) -> None:
    raise TooLong


@functools.lru_cache(maxsize=1)
def _loaded(recording: str, root: str) -> LoadedSplit:
    (found,) = (one for one in load_experiment(str(EXPERIMENT)).recordings if one.name == recording)
    return LoadedSplit(*prepare.read(found, root))


def merged(known: polars.DataFrame | None, new: polars.DataFrame) -> polars.DataFrame:
    """Return the table with new cells in the place of its own; those of other data of the same recording are dropped.

    Args:
        known: the table so far; None for none.
        new: cells.
    """
    if known is None:
        return new.sort(KEY)
    data = dict(new.select("recording", "data").iter_rows())
    same = col("data") == col("recording").replace_strict(data, default=col("data"), return_dtype=polars.String)
    stays = known.select(list(SCHEMA)).filter(same).join(new, on=KEY, how="anti")
    return polars.concat([stays, new]).sort(KEY)


def missing(table: polars.DataFrame | None, experiment: Experiment, today: dict[str, str]) -> Iterator[Cell]:
    """Yield the cells to measure, most useful first.

    Those nobody measured come before those of other code, models that fit themselves (which take seconds) before
    networks, first seeds before others; then recording by recording, in the experiment's order.

    Args:
        table: what is known.
        experiment: recordings and models.
        today: model -> the digest of its code.
    """
    known = {} if table is None else {row[:3]: row[3] for row in table.select(*KEY, "code").iter_rows()}
    long, found = too_long(), []
    for place, recording in enumerate(experiment.recordings):
        for model in (one.name for one in experiment.models if one.name not in long.get(recording.name, ())):
            network = not catalog.fits_itself(model)
            for seed in range(SEVERAL.get(model, 1)):
                cell = (recording.name, model, seed)
                if known.get(cell) != today[model]:
                    found.append(((cell in known, network, seed, place), cell))
    yield from (cell for _, cell in sorted(found, key=lambda one: one[0]))


def codes(experiment: Experiment) -> dict[str, str]:
    """Return model -> the digest of the code that computes it today."""
    found = {}
    for choice in experiment.models:
        values = settings.plain(catalog.config(choice.name, choice.hyperparameters))
        found[choice.shown] = code_hash.digest(code_hash.of_model(choice.name, values))
    return found


def over_seeds(table: polars.DataFrame, today: dict[str, str]) -> Rows:
    """Return (recording, model) -> the means over seeds, how many seeds, and whether today's code measured all."""
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in table.iter_rows(named=True):
        groups.setdefault((row["recording"], row["model"]), []).append(row)
    found: Rows = {}
    for (recording, model), rows in groups.items():
        means: dict[str, Any] = {"seeds": len(rows), "other": any(row["code"] != today.get(model) for row in rows)}
        means["measures"] = {row["measure"] for row in rows}
        for name in ("score", "ratio", "weight", "seconds"):
            known = [value for row in rows if isinstance(value := row[name], float)]
            means[name] = statistics.fmean(known) if known else None
        found[recording, model] = means
    return found


def blocks(table: polars.DataFrame) -> dict[str, list[str]]:
    """Return what the page shows of the cells: scores of each recording's models, what is behind, what is missing."""
    experiment = load_experiment(str(EXPERIMENT))
    every, models = [one.name for one in experiment.recordings], [one.name for one in experiment.models]
    rows = over_seeds(table, codes(experiment))
    long = given_up(rows)
    unmeasured = {name: [model for model in models if (name, model) not in rows] for name in every}
    left = {name: [model for model in of if model not in long.get(name, ())] for name, of in unmeasured.items()}
    names, networks = [name for name in every if unmeasured[name] != models], models[3:-1]
    trained = [name for name in names if any((name, model) in rows for model in networks)]
    failed = [f"- {row['recording']}, {row['model']}: {row['measure']}" for row in _failed(table)]
    scores = [[name, *(_cell(rows, name, model) for model in models)] for name in names]
    beside = [[name, *(_beside(rows, name, model) for model in networks)] for name in trained]
    return {
        "defaults_scores": study_tables.grid(["recording", *models], scores),
        "defaults_beside": study_tables.grid(["recording", *networks], beside),
        "defaults_behind": _behind(rows, names, networks) or ["None."],
        "defaults_unmeasured": _together(left, models) or ["Nothing."],
        "defaults_too_long": [f"- {name}: {', '.join(of)}" for name, of in long.items()] or ["None."],
        "defaults_failed": failed or ["None."],
        "defaults_then_and_now": _then_and_now(over_seeds(polars.read_parquet(BEFORE), {}), rows, models[1:-1]),
    }


def _then_and_now(then: Rows, now: Rows, models: list[str]) -> list[str]:
    """Return a table of models as they came before and as they come: means and extremes over recordings of both."""
    found = []
    for model in models:
        for width in BIN_WIDTHS:
            both = [n for n, m in then if m == model and n.endswith(width) and _score(now, n, m) is not None]
            both = [name for name in both if _score(then, name, model) is not None]
            if both:
                found.append([model, width, str(len(both)), *_summaries(then, now, both, model)])
    head = ("co-bps, mean", "below the floor", "predicted / recorded spikes")
    words = [f"{one}, {when}" for one in head for when in ("before", "now")]
    return study_tables.grid(["model", "bins", "recordings", *words], found)


def _summaries(then: Rows, now: Rows, names: list[str], model: str) -> Iterator[str]:
    for rows in (then, now):
        yield number(statistics.fmean(_score(rows, name, model) or 0.0 for name in names), "digits")
    for rows in (then, now):
        yield str(sum(_is_below(rows, name, model) for name in names))
    for rows in (then, now):
        ratios = [ratio for name in names if isinstance(ratio := rows[name, model]["ratio"], float)]
        yield f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "-"


def _is_below(rows: Rows, recording: str, model: str) -> bool:
    score, floor = _score(rows, recording, model), _score(rows, recording, FLOOR)
    return score is not None and floor is not None and score < floor - 1e-6 * abs(floor)


def _together(left: dict[str, list[str]], models: list[str]) -> list[str]:
    """Return a line for each set of models, with the recordings on which they are not measured."""
    found: dict[str, list[str]] = {}
    for name, of in left.items():
        if of:
            found.setdefault("all" if of == models else ", ".join(of), []).append(name)
    return [f"- {of}: {', '.join(names)}" for of, names in found.items()]


def given_up_today(table: polars.DataFrame | None, today: dict[str, str]) -> dict[str, set[str]]:
    """Return recording -> models whose code of today was given up from one seed: other seeds would be, too.

    Args:
        table: what is known.
        today: model -> the digest of its code.
    """
    found: dict[str, set[str]] = {}
    if table is not None:
        for recording, model, code in table.filter(col("measure") == TOO_LONG)[
            "recording", "model", "code"
        ].iter_rows():
            if code == today.get(model):
                found.setdefault(recording, set()).add(model)
    return found


def given_up(rows: Rows) -> dict[str, tuple[str, ...]]:
    """Return recording -> models that take too long there: by what is known before, or by a fit that was given up."""
    found = {name: list(models) for name, models in too_long().items()}
    for (recording, model), row in rows.items():
        if TOO_LONG in row["measures"] and model not in found.setdefault(recording, []):
            found[recording].append(model)
    return {name: tuple(models) for name, models in found.items() if models}


def _failed(table: polars.DataFrame) -> list[dict[str, object]]:
    return table.filter(col("measure").str.starts_with(FAILED)).to_dicts()


def _score(rows: Rows, recording: str, model: str) -> float | None:
    value = rows.get((recording, model), {}).get("score")
    return value if isinstance(value, float) else None


def _bar(rows: Rows, recording: str) -> float | None:
    known = [score for model in BASELINES if (score := _score(rows, recording, model)) is not None]
    return max(known, default=None)


def _cell(rows: Rows, recording: str, model: str) -> str:
    score, bar = _score(rows, recording, model), _bar(rows, recording)
    if score is None:
        return "-"
    row = rows[recording, model]
    mark = (OTHER if row["other"] else "") + (f"\u00a0×{row['seeds']}" if row["seeds"] != 1 else "")
    text = f"{number(score)}{' ↓' if _is_below(rows, recording, model) else ''}"
    if model in (FLOOR, CEILING, *BASELINES):
        return text + mark
    return (f"**{text}**" if bar is not None and score >= bar else text) + mark


def _beside(rows: Rows, recording: str, model: str) -> str:
    row = rows.get((recording, model))
    if row is None:
        return "-"
    digits: dict[str, int] = {"ratio": 2, "weight": 2, "seconds": 0}
    return ", ".join("?" if row[name] is None else f"{row[name]:.{count}f}" for name, count in digits.items())


def _behind(rows: Rows, names: list[str], models: list[str]) -> list[str]:
    found = []
    for name in names:
        bar = _bar(rows, name)
        scores = {model: score for model in models if (score := _score(rows, name, model)) is not None}
        if bar is None or not (behind := [model for model, score in scores.items() if score < bar]):
            continue
        little = [m for m in behind if isinstance(w := rows[name, m]["weight"], float) and w < LITTLE]
        why = f"; too few validation spikes, or too little learnt, to believe {', '.join(little)}" if little else ""
        best = _score(rows, name, CEILING)
        room = "" if best is None else f"; true rates {number(best)}"
        found.append(f"- {name} ({number(bar)}{room}): {', '.join(f'{m} {number(scores[m])}' for m in behind)}{why}.")
    return found


def write(table: polars.DataFrame) -> None:
    """Write the table."""
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(str(TABLE)) as temporary:
        table.write_parquet(temporary)


def too_long() -> dict[str, tuple[str, ...]]:
    """Return recording -> models that are known to take more than three CPU minutes on it."""
    found: dict[str, tuple[str, ...]] = runpy.run_path(str(EXPERIMENT))["TOO_LONG"]
    return found


def fill(minutes: float, root: str, workers: int, only: str) -> None:
    """Measure what is missing until the minutes are over; each cell is written once it is there.

    Args:
        minutes: after which no cell is begun; those at work are waited for.
        root: the data root.
        workers: processes.
        only: a part of the names of the recordings that are measured; empty for all.
    """
    ends, experiment = time.monotonic() + 60 * minutes, load_experiment(str(EXPERIMENT))
    today, table = codes(experiment), polars.read_parquet(TABLE) if TABLE.exists() else None
    there = tuple(one for one in prepare.without_absent(experiment.recordings, root) if only in one.name)
    waiting = list(missing(table, dataclasses.replace(experiment, recordings=there), today))
    spawned = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=spawned) as pool:
        at_work: dict[concurrent.futures.Future[dict[str, object]], Cell] = {}
        while at_work or (waiting and time.monotonic() < ends):
            while waiting and len(at_work) < workers and time.monotonic() < ends:
                cell = waiting.pop(0)
                if cell[1] in given_up_today(table, today).get(cell[0], ()):
                    continue
                at_work[pool.submit(measured, cell, today[cell[1]], root)] = cell
            for done in concurrent.futures.wait(at_work, return_when="FIRST_COMPLETED").done:
                cell, row = at_work.pop(done), done.result()
                table = merged(table, polars.DataFrame([row], schema=SCHEMA))
                write(table)
                print(*cell, row["measure"], row["score"], f"{row['seconds']:.0f} s", flush=True)


@click.command()
@click.option("--minutes", type=float, default=0.0, help="Measure what is missing, so long.")
@click.option("--root", default="data", show_default=True, help="The data root.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@click.option("--only", default="", help="Recordings with this in their name alone.")
def main(minutes: float, root: str, workers: int, only: str) -> None:
    """Measure what the table lacks, and write its page."""
    if minutes:
        fill(minutes, root, workers, only)
    study_tables.write(PAGE, blocks(polars.read_parquet(TABLE)))


if __name__ == "__main__":
    main()
