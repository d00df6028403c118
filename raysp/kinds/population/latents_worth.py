"""What the latents of a run's trials are worth: few-shot co-smoothing, and how models read each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.data.splits.units import spell_units
from raysp.errors import BadInput, NotReady, present
from raysp.evaluation.cross_decoding import LEAST_TRIALS, cross_decoding
from raysp.evaluation.few_shot import draws_of, few_shot_bits_per_spike, grid_of_shots, mean_rate_bits_per_spike
from raysp.evaluation.observed import observed
from raysp.io import files
from raysp.io.rows import Row, Rows
from raysp.io.words import named
from raysp.kinds.population.latents_file import read_latents
from raysp.kinds.population.latents_table import COLUMNS, CROSS, FEW_SHOT, WHICH, readable, write_worth
from raysp.kinds.population.latents_words import summary
from raysp.kinds.readouts import Readouts
from raysp.runs.folder import RunFolder

if TYPE_CHECKING:
    import polars

MOST_VALUES = 25_000_000
"""Of latents that are read from each other at a time: of models with more, fewer evaluation trials are taken."""


def latents(run: RunFolder, root: str, how: Readouts) -> Iterator[str]:
    """Write latents.parquet of a run's population splits; yield what is done, then what came out.

    A trial's readouts that are there already are not fitted again, and those of other shots, draws and seeds stay. Of
    the test phase, whose answers are not looked at here, models only read each other.

    Args:
        run: the run folder.
        root: the data root.
        how: shots and draws.

    Raises:
        NotReady: no trial of a model with latents is finished.
        BadInput: latents are damaged; there are not so many training trials.
    """
    import polars

    finished = [one for one in run.finished_of(run.trials()) if store.header(root, one.split).kind == "population"]
    with_latents = [one for one in finished if files.exists(run.trial(one.id).latents)]
    if without := sorted({one.shown for one in finished} - {one.shown for one in with_latents}):
        yield f"no latents, so left out: {named(without, 8)}"
    if not with_latents:
        raise NotReady(f"{run.path} has no finished trial of a model with latents (such as sae, masked_gru, lfads)")
    before, done = _kept(readable(run), with_latents), polars.DataFrame(schema=COLUMNS)
    write_worth(run, before)
    for trials in _tasks(with_latents):
        split, answers = _data(root, trials[0])
        yield f"{split.name}: {len(trials)} trials with latents"
        for rows in _of_task(run, trials, split, answers, how, before):
            if isinstance(rows, str):
                yield f"  {rows}"
            else:
                done = polars.concat([done, polars.DataFrame(rows, schema=COLUMNS)])
                rest = before.join(done, on=WHICH, how="anti", nulls_equal=True)
                write_worth(run, polars.concat([done, rest]))
    yield from summary(done)


def _kept(before: polars.DataFrame, trials: Sequence[Trial]) -> polars.DataFrame:
    """Return the rows of trials that are still there, and the floor of what these were asked."""
    import polars
    from polars import col

    ids = [one.id for one in trials]
    own = before.filter(col("run_trial").is_in(ids) & (col("source").is_null() | col("source").is_in(ids)))
    nobodys = before.filter(col("run_trial").is_null())
    alike = ["measure", "split", "units", "shots", "drawn", "draw"]
    return polars.concat([own, nobodys.join(own, on=alike, how="semi", nulls_equal=True)])


def _tasks(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    def key(trial: Trial) -> tuple[str, tuple[int, ...]]:
        return trial.split, trial.units or ()

    for _, own in itertools.groupby(sorted(trials, key=key), key):
        yield list(own)


def _data(root: str, trial: Trial) -> tuple[PopulationSplit, Answers | None]:
    store.same_data(root, trial)
    split = cast("PopulationSplit", store.load(root, trial.split))
    answers = None if split.role.phase == "test" else cast("Answers", store.load_answers(root, trial.split))
    if trial.units is not None:
        split, answers = split.select(trial.units), answers and answers.select(trial.units)
    return split, answers


def _of_task(
    run: RunFolder,
    trials: Sequence[Trial],
    split: PopulationSplit,
    answers: Answers | None,
    how: Readouts,
    before: polars.DataFrame,
) -> Iterator[Rows | str]:
    """Yield rows of the table, and why there are none."""
    try:
        shots = _shots(split, answers, how)
    except BadInput as reason:
        yield f"no few-shot co-smoothing: {reason}"
    else:
        yield _floor(trials[0], split, present(answers), shots, how)
        for trial in trials:
            yield f"{trial.shown}, seed {trial.seed}: readouts from {named([str(one) for one in shots], 9)} trials"
            yield _few_shot(run, trial, split, present(answers), shots, how, before)
    if len(trials) < 2:
        yield "no cross-decoding: one trial alone has latents"
    elif len(present(split.eval)) < LEAST_TRIALS:
        yield f"no cross-decoding: expected {LEAST_TRIALS} or more evaluation trials, got {len(present(split.eval))}"
    else:
        yield f"{len(trials)} trials' latents, each read from each"
        yield _cross(run, trials, split, how)


def _shots(split: PopulationSplit, answers: Answers | None, how: Readouts) -> tuple[int, ...]:
    if answers is None:
        raise BadInput("answers of the test phase are looked at by raysp evaluate --phase test alone")
    if not split.sizes.heldout or answers.trials.heldout is None:
        raise BadInput(f"{split.name} has no held-out units")
    if not np.nansum(answers.trials.heldout):
        raise BadInput(f"no held-out unit of {split.name} has a spike on the evaluation trials")
    grid = grid_of_shots(len(split.train))
    if how.shots is None:
        return grid
    if max(how.shots) > len(split.train):
        raise BadInput(f"{split.name} has {len(split.train)} training trials, fewer than {max(how.shots)} shots")
    return tuple(sorted(how.shots))


def _row(measure: str, trial: Trial, how: Readouts, **own: float | str | None) -> Row:
    units = None if trial.units is None else spell_units(trial.units)
    whose: Row = {"run_trial": trial.id, "model": trial.shown, "seed": trial.seed}
    place: Row = {"measure": measure, "split": trial.split, "units": units, "drawn": how.seed}
    return {**dict.fromkeys(COLUMNS), **place, **whose, **own}


def _floor(trial: Trial, split: PopulationSplit, answers: Answers, shots: Sequence[int], how: Readouts) -> Rows:
    counts, asked = present(split.train.heldout), present(answers.trials.heldout)
    nobody: Row = {"run_trial": None, "model": None, "seed": None, "trials": len(asked)}
    return [
        _row(FEW_SHOT, trial, how, **nobody, shots=k, draw=draw, value=float(value))
        for k in shots
        for draw, value in enumerate(
            mean_rate_bits_per_spike(counts, asked, shots=k, draws=draws_of(k, how.draws), seed=how.seed)
        )
    ]


def _few_shot(
    run: RunFolder,
    trial: Trial,
    split: PopulationSplit,
    answers: Answers,
    shots: Sequence[int],
    how: Readouts,
    before: polars.DataFrame,
) -> Rows:
    import polars

    path, bins = run.trial(trial.id).latents, split.sizes.bins
    counts, asked = present(split.train.heldout), present(answers.trials.heldout)
    parts: tuple[np.ndarray, np.ndarray] | None = None
    rows: Rows = []
    for k in shots:
        draws = draws_of(k, how.draws)
        there = before.filter(measure=FEW_SHOT, run_trial=trial.id, shots=k, drawn=how.seed)
        there = there.filter(polars.col("draw") < draws).sort("draw")
        if len(there) == draws:
            rows += there.to_dicts()
            continue
        if parts is None:
            parts = (read_latents(path, "train", trial)[:, :bins], read_latents(path, "eval", trial)[:, :bins])
        found = few_shot_bits_per_spike(parts[0], counts, parts[1], asked, shots=k, draws=draws, seed=how.seed)
        rows += [
            _row(FEW_SHOT, trial, how, trials=len(asked), shots=k, draw=draw, value=float(value))
            for draw, value in enumerate(found)
        ]
    return rows


def _cross(run: RunFolder, trials: Sequence[Trial], split: PopulationSplit, how: Readouts) -> Rows:
    shown, bins = present(split.eval), split.sizes.bins
    widths = [read_latents(run.trial(one.id).latents, "eval", one).shape[2] for one in trials]
    most = max(LEAST_TRIALS, MOST_VALUES // (sum(widths) * bins))
    chosen = np.unique(np.linspace(0, len(shown) - 1, min(most, len(shown))).astype(int))
    arrays = [read_latents(run.trial(one.id).latents, "eval", one)[chosen, :bins] for one in trials]
    found = cross_decoding(arrays, observed(shown.take(chosen)), seed=how.seed)
    return [
        _row(CROSS, one, how, source=other.id, source_model=other.shown, trials=len(chosen), value=float(found[i, j]))
        for j, one in enumerate(trials)
        for i, other in enumerate(trials)
        if one.id != other.id
    ]
