"""The table of models at their defaults: docs/results/defaults.parquet and docs/defaults.md from the experiment's run.

    python benchmarks/defaults_table.py runs/defaults --minutes 60 --root data     # runs what is missing, cheap first
    python benchmarks/defaults_table.py runs/defaults                              # of a run that is there

A cell of the table is one recording, model and seed, and says by which code of the model it was measured. A run may be
half done, and the folder of an earlier one gone: its cells take the place of those that the table has, the others
stay, and the page marks those that today's code of the model did not measure, and names what nobody measured yet.
"""

from __future__ import annotations

import pathlib
import runpy
import signal
import statistics
import subprocess
import sys
import time

import click
import polars
from polars import col

from raysp import open_run
from raysp.cli.experiment_file import load_experiment
from raysp.config import code_hash, settings
from raysp.config.experiment import Experiment
from raysp.io import files
from raysp.io.words import number
from raysp.models import catalog
from raysp.runs.folder import RunFolder

HERE = pathlib.Path(__file__).parent.parent
EXPERIMENT = HERE / "experiments" / "defaults.py"
TABLE, PAGE = HERE / "docs" / "results" / "defaults.parquet", HERE / "docs" / "defaults.md"
FLOOR, BASELINES, CEILING = "mean_rate", ("smoothing", "reduced_rank"), "true_rates"
LITTLE = 0.5
KEY, OTHER = ("recording", "model", "seed"), "°"
SCORE, DEVIANCE = "co-bps", "masked deviance"
RATIO, WEIGHT = "predicted / recorded spikes", "weight against the mean rate"
PLACE = {SCORE: "held-out units", DEVIANCE: "held-in units"}
HEAD = """# Every model at its defaults

Made by `python benchmarks/defaults_table.py RUN` and kept in `docs/results/defaults.parquet`; what ran is
`experiments/defaults.py`: all models of populations as they come. Of made-up recordings one factor at a time is
changed around a middle: 40 units of which 10 are held out, 160 trials of 40 bins, 8 spikes/s, true rates known.

co-bps of held-out units on evaluation trials; where none are held out, minus the deviance of hidden counts (nats per
count). **Bold** is a network at or above the better of the two tuned baselines; a network below the floor would be
marked ↓. Weight: how far the network was believed against the mean rate, chosen on validation trials. Seconds are of
training, on busy cores. "-": not measured. °: measured before the model's code was last changed. Of several seeds the
mean is given, and their number behind a multiplication sign.

Latents of made-up recordings wander at random, half of their variance a trial's own, and no first state says how they
go on: rates that follow from one, as those of `sae`, stay behind. Latents that wander five times as slowly
(`timescale_ms=400`) bring it nearer: co-bps of validation trials, one draw, `sae` .058 -> .218, `smoothing` .120 ->
.273, `masked_gru` .120 -> .260. `masked_gru` is at its best after 40 to 60 steps, and then learns its 96 trials by
heart: slower and with more hidden it gains (second draw: .217 as it comes, .222 with half of the counts hidden, .224 at
a rate of 0.001, .230 with both; `smoothing` .218). Defaults were not changed for one kind of recording.

```python
import raysp

middle = {"units": 40, "heldout": 10, "trials": 160, "bins": 40, "rate_hz": 8.0}
first = raysp.load_split(source="made_up", **middle, generator_seed=31)  # and timescale_ms=400.0
second = raysp.load_split(source="made_up", **middle, generator_seed=32)
raysp.fit("masked_gru", second, learning_rate=0.001, mask_ratio=0.5).curve  # co-bps at the epoch of least loss
```
"""


SCHEMA = {
    **dict.fromkeys(("recording", "model"), polars.String),
    "seed": polars.Int64,
    **dict.fromkeys(("code", "measure"), polars.String),
    **dict.fromkeys(("score", "ratio", "weight", "seconds"), polars.Float64),
}

Rows = dict[tuple[str, str], dict[str, object]]


def measured(run: str) -> polars.DataFrame:
    """Return a row for each finished trial: score, spikes predicted for each recorded, weight, seconds, code."""
    opened = open_run(run)
    code = {trial.id: trial.code for trial in RunFolder(run).trials()}
    whole = col("unit").is_null() & col("unit_index").is_null()
    scores = opened.scores.filter(whole).select("run_trial", "metric", "parameter", "value").collect()
    rows = []
    for trial in opened.trials.filter(state="done").iter_rows(named=True):
        of = scores.filter(run_trial=trial["trial"]).iter_rows()
        found = {(metric, parameter): value for _, metric, parameter, value in of}
        name = SCORE if found.get((SCORE, None)) is not None else DEVIANCE
        score = found.get((name, None))
        rows.append(
            {
                "recording": trial["split"],
                "model": trial["model"],
                "seed": trial["seed"],
                "code": code[trial["trial"]],
                "measure": name,
                "score": -score if name == DEVIANCE and score is not None else score,
                "ratio": found.get((RATIO, None)),
                "weight": found.get((WEIGHT, PLACE[name])),
                "seconds": trial["seconds"],
            }
        )
    return polars.DataFrame(rows, schema=SCHEMA)


def merged(known: polars.DataFrame | None, new: polars.DataFrame) -> polars.DataFrame:
    """Return the table with new cells in the place of its own.

    Args:
        known: the table so far; those of before seeds and code were noted have none.
        new: as `measured` returns them.
    """
    if known is None:
        return new.sort(KEY)
    if "code" not in known.columns:
        known = known.with_columns(polars.lit(0, polars.Int64).alias("seed"), polars.lit("").alias("code"))
    return polars.concat([known.select(list(SCHEMA)).join(new, on=KEY, how="anti"), new]).sort(KEY)


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
        means: dict[str, object] = {"seeds": len(rows), "other": any(row["code"] != today.get(model) for row in rows)}
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
    long = too_long()
    unmeasured = {name: [model for model in models if (name, model) not in rows] for name in every}
    left = {name: [model for model in of if model not in long.get(name, ())] for name, of in unmeasured.items()}
    names = [name for name in every if unmeasured[name] != models]
    lines = [HEAD, f"| recording | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    lines += [f"| {name} | {' | '.join(_cell(rows, name, model) for model in models)} |" for name in names]
    lines += ["", "## Predicted / recorded spikes, weight, seconds", ""]
    lines += [f"| recording | {' | '.join(models[3:-1])} |", f"|---|{'---|' * len(models[3:-1])}"]
    lines += [f"| {name} | {' | '.join(_beside(rows, name, model) for model in models[3:-1])} |" for name in names]
    lines += ["", "## Behind the better baseline", "", *(_behind(rows, names, models[3:-1]) or ["None."]), ""]
    missing = [f"{name} ({', '.join(of) if of != models else 'all'})" for name, of in left.items() if of]
    lines += ["## Not measured yet", "", "; ".join(missing) or "Nothing.", ""]
    lines += ["## Left out", "", "More than three CPU minutes a training, in one thread: "]
    lines[-1] += "; ".join(f"{name} ({', '.join(of)})" for name, of in long.items()) + "."
    return "\n".join(lines) + "\n"


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
    if model in (FLOOR, CEILING, *BASELINES):
        return number(score) + mark
    below = floor is not None and score < floor - 1e-6 * abs(floor)
    text = f"{number(score)}{' ↓' if below else ''}"
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


def write(run: str) -> None:
    """Bring the table and its page up to a run."""
    new = measured(run)
    both = merged(polars.read_parquet(TABLE) if TABLE.exists() else None, new)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(str(TABLE)) as temporary:
        both.write_parquet(temporary)
    files.write_text(str(PAGE), page(both))
    print(f"{len(new)} cells of {run}, {len(both)} in {TABLE}; {PAGE}")


def too_long() -> dict[str, tuple[str, ...]]:
    """Return recording -> models that take more than three CPU minutes on it."""
    found: dict[str, tuple[str, ...]] = runpy.run_path(str(EXPERIMENT))["TOO_LONG"]
    return found


def fill(run: str, minutes: float, root: str, more: tuple[str, ...]) -> None:
    """Run the experiment recording by recording, in its order, until the minutes are over; the table after each."""
    ends, runs = time.monotonic() + 60 * minutes, str(pathlib.Path(run).parent)
    experiment, long = load_experiment(str(EXPERIMENT)), too_long()
    for recording in experiment.recordings:
        left = ends - time.monotonic()
        if left <= 0:
            break
        models = [one.name for one in experiment.models if one.name not in long.get(recording.name, ())]
        command = [sys.executable, "-m", "raysp", "run", str(EXPERIMENT), "--splits", recording.name]
        command += ["--models", ",".join(models)]
        with subprocess.Popen([*command, "--root", root, "--runs", runs, *more]) as at_work:
            try:
                at_work.wait(left)
            except subprocess.TimeoutExpired:
                # As Ctrl-C does: what runs is saved, and the same command goes on.
                at_work.send_signal(signal.SIGINT)
        if files.exists(RunFolder(run).experiment):
            write(run)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("run")
@click.option("--minutes", type=float, default=0.0, help="Run what is missing, so long.")
@click.option("--root", default="data", show_default=True, help="The data root.")
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
def main(run: str, minutes: float, root: str, more: tuple[str, ...]) -> None:
    """Write the table from RUN, named after the experiment; MORE are options of `raysp run`, e.g. --set seeds=[0,1]."""
    if minutes:
        fill(run, minutes, root, more)
    else:
        write(run)


if __name__ == "__main__":
    main()
