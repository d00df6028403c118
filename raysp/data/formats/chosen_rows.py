"""Which rows of a table are used: those with a wanted value in each column that is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from raysp.errors import BadInput


def kept(columns: Mapping[str, np.ndarray], keep: Mapping[str, Any], rows: int, what: str, where: str) -> np.ndarray:
    """Return which rows have one of the values that are wanted, (rows,) bool.

    Args:
        columns: of the table, (rows,) each; those that `keep` names are there.
        keep: column -> value or list of values.
        rows: how many there are.
        what: a row is, "trial" or "unit".
        where: the beginning of the error's sentence.

    Raises:
        BadInput: no row is left.
    """
    mask = np.ones(rows, dtype=bool)
    for column, wanted in keep.items():
        values = columns[column]
        chosen = np.asarray(list(wanted) if isinstance(wanted, list | tuple | set) else [wanted])
        if values.dtype == np.float32 and chosen.dtype.kind == "f":
            # 0.1 in single precision is another number than 0.1.
            chosen = chosen.astype(np.float32)
        mask &= np.isin(values, chosen)
        if not mask.any():
            found = ", ".join(str(value)[:40] for value in np.unique(values)[:8])
            raise BadInput(f"{where}: no {what} is left with {column} = {wanted!r}; {column} holds {found}")
    return mask
