"""curve.parquet: one row per epoch of a trial's training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raysp import files
from raysp.errors import BadInput, NotReady

COLUMNS = ("epoch", "train_loss", "validation_loss", "learning_rate", "seconds")
"""Always there, null where a trial has none; live metrics follow under their own names."""


def write_curve(path: str, rows: Sequence[Mapping[str, float | None]]) -> None:
    """Write a training curve, whole or not at all; models that fit themselves have no rows.

    Args:
        path: where.
        rows: one per epoch: `COLUMNS` and the live metrics of the epochs that were measured; losses as trained on,
            learning rate, seconds since the start.

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
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        polars.DataFrame(columns, schema=schema).write_parquet(file)


def read_curve(path: str) -> list[dict[str, float | None]]:
    """Read a training curve: one dictionary per epoch, None where nothing was measured.

    Raises:
        NotReady: there is none.
        BadInput: the file is damaged.
    """
    import polars

    if not files.exists(path):
        raise NotReady(f"no training curve at {path}; run the experiment first")
    try:
        with files.opened(path) as file:
            return polars.read_parquet(file).to_dicts()
    except (polars.exceptions.PolarsError, OSError) as error:
        raise BadInput(
            f"{path} is damaged ({error}); remove its trial's folder and run the experiment again"
        ) from error


def _number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _plain(value: float | None, name: str) -> float | None:
    return value if value is None or name == "epoch" else float(value)
