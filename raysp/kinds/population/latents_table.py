"""latents.parquet: what the latents of a run's trials are worth, a row per draw of trials and per pair of models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict, get_type_hints

from raysp.collection.predictions import whose
from raysp.config import code_hash
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.runs.folder import RunFolder

if TYPE_CHECKING:
    import polars

NAME = "latents.parquet"
FEW_SHOT, CROSS = "few-shot co-bps", "cross-decoding R2"
CODE = ("kinds/population/latents_worth.py", "evaluation/few_shot.py", "evaluation/cross_decoding.py")


class Worth(TypedDict):
    """A row of the table.

    `measure` is "few-shot co-bps", of a readout fitted to `shots` trials, the draw's number beside it, bits per spike;
    `run_trial` and `model` are null for mean counts of the same trials, its floor. Or it is "cross-decoding R2", of
    the latents of `run_trial` read from those of `source` (a trial's id; `source_model` its model), on `trials`
    evaluation trials. `seed` is the trial's, `drawn` that of the draws or folds.
    """

    measure: str
    split: str
    units: str | None
    run_trial: str | None
    model: str | None
    seed: int | None
    shots: int | None
    draw: int | None
    source: str | None
    source_model: str | None
    trials: int
    drawn: int
    value: float


COLUMNS = get_type_hints(Worth)

WHICH = [name for name in COLUMNS if name not in ("trials", "value")]
"""Columns that say what a row is of."""


def path_of(run: RunFolder) -> str:
    """Return where the table lies."""
    return files.join(run.path, NAME)


def again(run: RunFolder) -> str:
    """Return what to type where the table is damaged."""
    return f"remove it and run: raysp latents {run.typed}"


def write_worth(run: RunFolder, rows: polars.DataFrame) -> None:
    """Write the table, whole or not at all, with what its trials predict by now, and against which answers."""
    trials = {name for column in ("run_trial", "source") for name in rows[column].unique() if name is not None}
    tables.write_table(path_of(run), rows, {"code": _code(), "of": _of(run, trials)})


def read_worth(run: RunFolder, *, own_code: bool = False) -> polars.DataFrame:
    """Return the table; without rows where there is none, and without those of trials that were run again since.

    Args:
        run: the run folder.
        own_code: without rows, too, where other code wrote it.

    Raises:
        BadInput: it is damaged.
    """
    import polars

    try:
        note = tables.read_note(path_of(run), again(run))
        if not own_code or note.get("code") == _code():
            # A table of an earlier version does not say.
            of = note.get("of", {})
            now = _of(run, of)
            old = [name for name, digest in of.items() if now[name] != digest]
            with tables.guarded(path_of(run), again(run)):
                table = tables.read_table(path_of(run), again=again(run)).select(list(COLUMNS))
                return table.filter(
                    ~polars.any_horizontal(polars.col("run_trial", "source").is_in(old).fill_null(False))
                )
    except NotReady:
        pass
    return polars.DataFrame(schema=COLUMNS)


def readable(run: RunFolder) -> polars.DataFrame:
    """Return the table as `read_worth` does; without rows where it is damaged."""
    try:
        return read_worth(run, own_code=True)
    except BadInput:
        return read_worth(RunFolder(files.join(run.path, "none")))


def _of(run: RunFolder, trials: Iterable[str]) -> dict[str, str]:
    """Return the digest of what each trial predicts, and of its split's answers; empty where it predicts nothing."""
    trials = set(trials)
    data = run.record().get("data", {}) if trials else {}
    splits = {trial.id: trial.split for trial in run.trials()} if trials else {}
    found = dict.fromkeys(trials, "")
    for name in trials & splits.keys():
        with contextlib.suppress(BadInput, NotReady):
            found[name] = files.digest([whose(run.trial(name).predictions), data.get(splits[name], {}).get("answers")])
    return found


def _code() -> str:
    return code_hash.digest(code_hash.files_of([code_hash.PACKAGE / one for one in CODE], ("evaluation", "objectives")))
