"""The table of models at their defaults: docs/results/defaults.parquet and docs/defaults.md, cell by cell.

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
TABLE, PAGE = HERE / "docs" / "results" / "defaults.parquet", HERE / "docs" / "defaults.md"
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
HEAD = """# Every model at its defaults

Made by `python benchmarks/defaults_table.py --minutes 60` and kept in `docs/results/defaults.parquet`; what is fitted
is `experiments/defaults.py`: all models of populations as they come. Of made-up recordings one factor at a time is
changed around a middle: 40 units of which 10 are held out, 160 trials of 40 bins, 8 spikes/s, true rates known. Small
and real stand-ins are generated in place of the benchmark's recordings: their validation phase.

co-bps of held-out units on evaluation trials; where none are held out, minus the deviance of hidden counts (nats per
count). **Bold** is a network at or above the better of the two tuned baselines; a model below the floor is marked ↓.
Weight: how far the network was believed against the mean rate, chosen on validation trials. Seconds are CPU seconds of
one thread. "-": not measured. °: measured before the model's code was last changed. Of several seeds the mean is
given, and their number behind a multiplication sign. Figures of made-up recordings in the text, not in the tables, are
of a source that took their conditions in turn, so that evaluation trials were of two of eight, which training trials
never showed; their order is random now.

The baselines are believed as networks are: at the weight against the mean rate at which the loss of training trials
that were not fitted is lowest, of the weights up to the first at which it is not better than the mean rate's by two
standard errors; where none is, they predict the mean rate. The losses of two validation trials (`made_up-10trials`)
crossed near weight .95, so that `unet` was sure from .85 on and at no smaller weight: -.302 where the floor has -.167,
and now has that, with 1.00 spikes predicted for each recorded (.91 before). It cost nothing in 59 other trainings
(`masked_cnn` on 10, 20 and 40 trials, 20, 20 and 10 draws, `unet` on 10, 9 draws): as many were believed as before, and
none was below the floor on 100 trials more of its recording; on their own few evaluation trials one was, by .010. What
the guard costs `masked_cnn` there: as it is, it would gain .015, .048 and .098 over the floor, and gains .002, .013 and
.069. Student's quantile of two standard errors, tried too, leaves .0005, .001 and .052, and the same one below the
floor.

With one bin a trial (`bins=1`, `generator_seed=41`) being believed by degree leaves `smoothing` -.244 and
`reduced_rank` -.246, where all or nothing came to the floor's -.331. Their log rates are linear in what is seen, and
beyond the largest of training they go on by the rate's tangent: six Lorenz trials took `reduced_rank` to 101 spikes a
bin where training had .46, and to a co-bps of -.73 (now -.45, the floor being -.41). All six are of one condition: each
foretells the others, which says nothing of other conditions, and no weight chosen on them can.

A network is not drawn towards `smoothing`, as it is towards the mean rate: what a table calls `sae` would then be a
mixture, and could not be seen to fail. Who wants the best of both has it from `raysp best` and `raysp ensemble`.

Latents of made-up recordings wander at random, half of their variance a trial's own, and no first state says how they
go on: rates that follow from one, as those of `sae`, stay behind. Latents that wander five times as slowly
(`timescale_ms=400`) bring it nearer: co-bps of validation trials, one draw, `sae` .058 -> .218, `smoothing` .120 ->
.273, `masked_gru` .120 -> .260.

`masked_gru` learns a hundred trials by heart within 50 steps. Since its rate is .001 where neither a rate nor epochs
are given (else .004), and half of its counts are hidden (others a quarter), it is better wherever that was tried;
co-bps of validation trials at the epoch of least loss, before anything is made of the rates, one seed:

| recording | smoothing | masked_gru before | now |
|---|---|---|---|
| made-up middle, draw 31 | .120 | .120 | .124 |
| made-up middle, draw 32 | .218 | .217 | .230 |
| mc_maze_small stand-in, real size, 20 ms | .203 | .252 | .268 |
| area2_bump stand-in, small, 20 ms | .091 | .205 | .302 |
| made-up 8bins | .039 | .006 | .044 |
| lorenz, 20 training trials | -.088 | -.130 | -.053 |

What helped `masked_gru` was tried on `masked_cnn` and `unet` too, on validation trials, one seed, and is not their
default: `masked_cnn` was better on three of four recordings, `unet` on two of three, and both worse on area2_bump.
co-bps at rate .004 and a quarter hidden (the default) -> at .001 and half; on area2_bump, .002 and half gave
`masked_cnn` .083, .001 and a quarter .109. `unet` had a patience of 10 epochs, but 25 before the arrow on area2_bump;
`masked_cnn` had 25. Conditions of the made-up recordings are in random order here.

| recording | smoothing | masked_cnn | unet |
|---|---|---|---|
| made-up middle, draw 31 | .180 | .162 -> .188 | - |
| mc_maze_small stand-in, small, 20 ms | .165 | .126 -> .206 | -.002 -> .088 |
| area2_bump stand-in, small, 20 ms | .103 | .115 -> .080 | .077 -> .061 |
| made-up 8bins | .136 | .009 -> .069 | -.023 -> -.019 |

What did not help: a network whose log rates are added to those of `smoothing`, fitted to the same trials, so that it
begins there (draw 32, one training: .218, the baseline's own). Cutting the baselines' log rates at the largest of
training, too: .386 -> .378 on the middle recording.

```python
import raysp

middle = {"units": 40, "heldout": 10, "trials": 160, "bins": 40, "rate_hz": 8.0}
first = raysp.load_split(source="made_up", **middle, generator_seed=31)  # and timescale_ms=400.0
second = raysp.load_split(source="made_up", **middle, generator_seed=32)
raysp.fit("masked_gru", second).curve  # co-bps at the epoch of least loss
raysp.fit("masked_gru", second, learning_rate=0.004, mask_ratio=0.25).curve  # as it was
```
"""

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


def page(table: polars.DataFrame) -> str:
    """Return the page: a table of scores for each recording's models, then what is behind and what is missing."""
    experiment = load_experiment(str(EXPERIMENT))
    every, models = [one.name for one in experiment.recordings], [one.name for one in experiment.models]
    rows = over_seeds(table, codes(experiment))
    long = given_up(rows)
    unmeasured = {name: [model for model in models if (name, model) not in rows] for name in every}
    left = {name: [model for model in of if model not in long.get(name, ())] for name, of in unmeasured.items()}
    names = [name for name in every if unmeasured[name] != models]
    lines = [HEAD, f"| recording | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    lines += [f"| {name} | {' | '.join(_cell(rows, name, model) for model in models)} |" for name in names]
    lines += ["", "## Predicted / recorded spikes, weight, seconds", ""]
    lines += [f"| recording | {' | '.join(models[3:-1])} |", f"|---|{'---|' * len(models[3:-1])}"]
    trained = [name for name in names if any((name, model) in rows for model in models[3:-1])]
    lines += [f"| {name} | {' | '.join(_beside(rows, name, model) for model in models[3:-1])} |" for name in trained]
    lines += ["", "## Behind the better baseline", "", *(_behind(rows, names, models[3:-1]) or ["None."]), ""]
    lines += ["## Not measured yet", "", *(_together(left, models) or ["Nothing."]), ""]
    lines += ["## Left out", "", "More than three CPU minutes a training, in one thread: "]
    lines[-1] += "; ".join(f"{name} ({', '.join(of)})" for name, of in long.items()) + "."
    failed = [f"- {row['recording']}, {row['model']}: {row['measure']}" for row in _failed(table)]
    lines += ["", "## Failed", "", *failed] if failed else []
    return "\n".join(lines) + "\n"


def _together(left: dict[str, list[str]], models: list[str]) -> list[str]:
    """Return a line for each set of models, with the recordings on which they are not measured."""
    found: dict[str, list[str]] = {}
    for name, of in left.items():
        if of:
            found.setdefault("all" if of == models else ", ".join(of), []).append(name)
    return [f"- {of}: {', '.join(names)}" for of, names in found.items()]


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
    score, floor, bar = _score(rows, recording, model), _score(rows, recording, FLOOR), _bar(rows, recording)
    if score is None:
        return "-"
    row = rows[recording, model]
    mark = (OTHER if row["other"] else "") + (f" ×{row['seeds']}" if row["seeds"] != 1 else "")
    below = floor is not None and score < floor - 1e-6 * abs(floor)
    text = f"{number(score)}{' ↓' if below else ''}"
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
        found.append(f"- {name} ({number(bar)}): {', '.join(f'{m} {number(scores[m])}' for m in behind)}{why}.")
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
    files.write_text(str(PAGE), page(polars.read_parquet(TABLE)))


if __name__ == "__main__":
    main()
