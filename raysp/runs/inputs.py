"""Results of other runs that trials start from: copied into the run, named by the digest of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raysp.config.experiment import Trial
from raysp.errors import NotReady, damaged
from raysp.io import files, tables

if TYPE_CHECKING:
    import polars

    from raysp.runs.folder import RunFolder

AGAIN = "remove it and run the experiment again, with the run that it was copied from in its place"


def digest(table: polars.DataFrame) -> str:
    """Return the SHA-256 of a table's rows by column, whatever file they came from."""
    return files.digest({"columns": table.columns, "rows": table.rows()})


def digests(found: Mapping[str, polars.DataFrame]) -> dict[str, str] | None:
    """Return what `Trial.inputs` says of tables by name; None for none."""
    return {name: digest(table) for name, table in sorted(found.items())} or None


def keep(run: RunFolder, found: Mapping[str, polars.DataFrame]) -> None:
    """Copy tables into a run, each once; every trial that starts from the same rows reads the same file."""
    for table in found.values():
        sha = digest(table)
        if not files.exists(path := path_of(run, sha)):
            tables.write_table(path, table, {"rows": sha})


def read(run: RunFolder, trial: Trial, name: str) -> dict[str, list[Any]]:
    """Return the columns of a table that a trial starts from.

    Raises:
        NotReady: the copy is gone.
        BadInput: it is damaged, or holds other rows.
    """
    sha = (trial.inputs or {})[name]
    if not files.exists(path := path_of(run, sha)):
        raise NotReady(f"{trial.id} starts from {path}, which is gone; {AGAIN}")
    table = tables.read_table(path, again=AGAIN)
    if digest(table) != sha:
        raise damaged(path, "it holds other rows than its name says", AGAIN)
    return columns(table)


def columns(table: polars.DataFrame) -> dict[str, list[Any]]:
    """Return a table's columns by name, as lists."""
    return table.to_dict(as_series=False)


def path_of(run: RunFolder, sha: str) -> str:
    """Return where the copy of a table lies."""
    return files.join(run.path, "inputs", f"{sha}.parquet")
