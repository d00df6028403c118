"""The table of models at their defaults: docs/results/defaults.parquet and docs/defaults.md from the experiment's run.

    raysp run experiments/defaults.py
    python benchmarks/defaults_table.py runs/defaults

A run may be half done: its rows take the place of those that the table has, and what nobody measured yet is named.
"""

from __future__ import annotations

import pathlib
import sys

import polars
from polars import col

from raysp import open_run
from raysp.cli.experiment_file import load_experiment
from raysp.io import files
from raysp.io.words import number

HERE = pathlib.Path(__file__).parent.parent
EXPERIMENT = HERE / "experiments" / "defaults.py"
TABLE, PAGE = HERE / "docs" / "results" / "defaults.parquet", HERE / "docs" / "defaults.md"
FLOOR, BASELINES, CEILING = "mean_rate", ("smoothing", "reduced_rank"), "true_rates"
LITTLE = 0.5
SCORE, DEVIANCE = "co-bps", "masked deviance"
RATIO, WEIGHT = "predicted / recorded spikes", "weight against the mean rate"
PLACE = {SCORE: "held-out units", DEVIANCE: "held-in units"}
HEAD = """# Every model at its defaults

Made by `python benchmarks/defaults_table.py RUN` and kept in `docs/results/defaults.parquet`; what ran is
`experiments/defaults.py`: all models of populations as they come, seed 0. Of made-up recordings one factor at a time is
changed around a middle: 40 units of which 10 are held out, 160 trials of 40 bins, 8 spikes/s, true rates known.

co-bps of held-out units on evaluation trials; where none are held out, minus the deviance of hidden counts (nats per
count). **Bold** is a network at or above the better of the two tuned baselines; a network below the floor would be
marked ↓. Weight: how far the network was believed against the mean rate, chosen on validation trials. Seconds are of
training, on busy cores. "-": not measured.

Latents of made-up recordings wander at random, half of their variance a trial's own; rates that follow from one first
state, as those of `sae`, may have a hard time with them (not tested).
"""


def measured(run: str) -> polars.DataFrame:
    """Return a row for each finished trial of a run: its score, spikes predicted for each recorded, weight, seconds."""
    opened = open_run(run)
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
                "measure": name,
                "score": -score if name == DEVIANCE and score is not None else score,
                "ratio": found.get((RATIO, None)),
                "weight": found.get((WEIGHT, PLACE[name])),
                "seconds": trial["seconds"],
            }
        )
    return polars.DataFrame(rows, infer_schema_length=None)


def page(table: polars.DataFrame) -> str:
    """Return the page: a table of scores for each recording's models, then what is behind and what is missing."""
    experiment = load_experiment(str(EXPERIMENT))
    every, models = [one.name for one in experiment.recordings], [one.name for one in experiment.models]
    rows = {(row["recording"], row["model"]): row for row in table.iter_rows(named=True)}
    left = {name: [model for model in models if (name, model) not in rows] for name in every}
    names = [name for name in every if left[name] != models]
    lines = [HEAD, f"| recording | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    lines += [f"| {name} | {' | '.join(_cell(rows, name, model) for model in models)} |" for name in names]
    lines += ["", "## Predicted / recorded spikes, weight, seconds", ""]
    lines += [f"| recording | {' | '.join(models[3:-1])} |", f"|---|{'---|' * len(models[3:-1])}"]
    lines += [f"| {name} | {' | '.join(_beside(rows, name, model) for model in models[3:-1])} |" for name in names]
    lines += ["", "## Behind the better baseline", "", *(_behind(rows, names, models[3:-1]) or ["None."]), ""]
    missing = [f"{name} ({', '.join(of)})" if of != models else f"{name} (all)" for name, of in left.items() if of]
    lines += ["## Not measured yet", "", "; ".join(missing) or "Nothing."]
    return "\n".join(lines) + "\n"


Rows = dict[tuple[str, str], dict[str, object]]


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
    if model in (FLOOR, CEILING, *BASELINES):
        return number(score)
    below = floor is not None and score < floor - 1e-6 * abs(floor)
    text = f"{number(score)}{' ↓' if below else ''}"
    return f"**{text}**" if bar is not None and score >= bar else text


def _beside(rows: Rows, recording: str, model: str) -> str:
    row = rows.get((recording, model))
    if row is None:
        return "-"
    digits = {"ratio": 2, "weight": 2, "seconds": 0}
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


if __name__ == "__main__":
    new = measured(sys.argv[1])
    old = [polars.read_parquet(TABLE).join(new, on=["recording", "model"], how="anti")] if TABLE.exists() else []
    both = polars.concat([*old, new]).sort("recording", "model")
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(str(TABLE)) as temporary:
        both.write_parquet(temporary)
    files.write_text(str(PAGE), page(both))
    print(f"{len(new)} rows of {sys.argv[1]}, {len(both)} in {TABLE}; {PAGE}")
