"""curve.parquet: one row per epoch of a trial's training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables

AGAIN = "remove its trial's folder and run the experiment again"
COLUMNS = ("epoch", "train_loss", "validation_loss", "unseen_loss", "learning_rate", "seconds")
"""Always there, null where a trial has none; live metrics follow under their own names.

`train_loss` and `validation_loss` are the model's own, whatever it is trained on: they select its best epoch, and are
no measure to compare models by. `unseen_loss` is: the Poisson loss of held-out units and forward bins of the
validation trials, nats per entry, of every model."""


def write_curve(path: str, rows: Sequence[Mapping[str, float | None]], trial: Trial | None = None) -> None:
    """Write a training curve, whole or not at all; models that fit themselves have no rows.

    Args:
        path: where.
        rows: one per epoch: `COLUMNS` and the live metrics of the epochs that were measured; losses as trained on,
            learning rate, seconds since the start.
        trial: whose they are.

    Raises:
        BadInput: a row without its epoch, or a value that is no number.
        OSError: the disk is full; a file that was there stays as it was.
    """
    import polars

    names = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    for row in rows:
        wrong = [name for name, value in row.items() if not _number_or_none(value)]
        if wrong or not isinstance(row.get("epoch"), int):
            raise BadInput(f"a curve's row expected a whole epoch and numbers by name, got {dict(row)}")
    schema = {name: polars.Int64 if name == "epoch" else polars.Float64 for name in names}
    columns = {name: [_plain(row.get(name), name) for row in rows] for name in names}
    note = None if trial is None else {"trial": trial.id, "data": trial.data}
    tables.write_table(path, polars.DataFrame(columns, schema=schema), note)


def read_curve(path: str, trial: Trial | None = None) -> list[dict[str, float | None]]:
    """Read a training curve: one dictionary per epoch, None where nothing was measured.

    Args:
        path: where.
        trial: whose it must be; files of earlier versions do not say.

    Raises:
        NotReady: there is none.
        BadInput: the file is damaged, or another trial's.
    """
    if not files.exists(path):
        raise NotReady(f"no training curve at {path}; run the experiment first")
    if trial is not None and (whose := tables.read_note(path, AGAIN).get("trial", trial.id)) != trial.id:
        raise BadInput(f"{path} expected the curve of {trial.id}, got that of {whose}; {AGAIN}")
    rows = tables.read_table(path, again=AGAIN).to_dicts()
    if not all(isinstance(row.get("epoch"), int) and all(map(_number_or_none, row.values())) for row in rows):
        raise BadInput(f"{path} is no training curve; {AGAIN}")
    return [_in_todays_words(row) for row in rows]


def _in_todays_words(row: dict[str, float | None]) -> dict[str, float | None]:
    """Return a row of a curve; in earlier versions the one row of a model that fits itself had another name for it."""
    if "unseen_loss" in row:
        return row
    loss = row.get("validation_loss")
    own, unseen = (None, loss) if row["epoch"] == 0 else (loss, None)
    return {**row, "validation_loss": own, "unseen_loss": unseen}


def _number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _plain(value: float | None, name: str) -> float | None:
    return value if value is None or name == "epoch" else float(value)
