"""What an ensemble leaves beside its predictions: members and weights, what was chosen from, which err alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np
import polars

from raysp.io import files, tables
from raysp.runs.folder import TrialFolder

if TYPE_CHECKING:
    from raysp.evaluation.mixture_choice import Choice

MEMBERS, CHOICES, CORRELATIONS = "members.parquet", "choices.parquet", "error-correlations.parquet"
AGAIN = "remove its trial's folder and run raysp ensemble again"


class MemberRow(TypedDict):
    """A row of members.parquet: `score` on validation trials by itself, and the weight it was given."""

    run: str
    trial: str
    model: str
    seed: int
    digest: str
    score: float | None
    weight: float


CHOICE = {
    **{"way": polars.String, "row": polars.Int64, "members": polars.Int64, "score": polars.Float64},
    **dict.fromkeys(("chosen", "taken"), polars.Boolean),
    **dict.fromkeys(("nested", "gain", "gain_error"), polars.Float64),
}
"""A row for each candidate of each way of weighing: `row` counts from 0; `members` is how many have weight; `score` is
that of validation trials, weights fitted on the others; `chosen` is the best row of its way, `taken` the one that the
average was made by; `nested`, of the whole way, is judged on trials that had no part in choosing the row either, `gain`
is what it has over the best single member, and `gain_error` its standard error."""

CORRELATION = {**dict.fromkeys(("first", "second"), polars.Int64), "correlation": polars.Float64}
"""A row for each pair of members, by their places in members.parquet from 0: how alike their errors are."""


def choices(found: Choice) -> polars.DataFrame:
    """Return choices.parquet: a row for each candidate of each way of weighing; columns: `CHOICE`."""
    rows = [
        {
            "way": way.name,
            "row": row,
            "members": int(np.count_nonzero(weights)),
            "score": float(score),
            "chosen": row == way.row,
            "taken": row == way.row and way.name == found.taken,
            "nested": way.nested,
            "gain": way.gain,
            "gain_error": way.gain_error,
        }
        for way in found.ways
        for row, (weights, score) in enumerate(zip(way.rows, way.scores, strict=True))
    ]
    return polars.DataFrame(rows, schema=CHOICE)


def correlated(found: np.ndarray) -> polars.DataFrame:
    """Return error-correlations.parquet of (members, members): a row for each pair, by place in members.parquet."""
    first, second = np.triu_indices(len(found), 1)
    own = {"first": first, "second": second, "correlation": found[first, second]}
    return polars.DataFrame(own, schema=CORRELATION)


def members_path(folder: TrialFolder) -> str:
    """Return where an ensemble's members and weights lie."""
    return files.join(folder.path, MEMBERS)


def read_members(folder: TrialFolder) -> polars.DataFrame:
    """Return an ensemble's members and weights. Raises NotReady where there are none, BadInput where damaged."""
    return tables.read_table(members_path(folder), again=AGAIN)


def read_weights(folder: TrialFolder) -> dict[tuple[str, str], float]:
    """Return weights by (run, trial); raises as `read_members` does."""
    rows = read_members(folder).select("run", "trial", "weight").rows()
    return {(run, trial): weight for run, trial, weight in rows}
