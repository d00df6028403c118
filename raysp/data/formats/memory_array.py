"""Arrays in memory as NumPy's own: masked and sparse ones, columns of frames, trials of unequal length in a list."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from raysp.errors import BadInput

GONE = ("<NA>", "NaT", "nan")
"""What pandas' and NumPy's own marks of a missing value are called."""


def array(value: Any, setting: str) -> np.ndarray:
    """Return what a person gave as an array of numbers or text, what is missing in it as NaN or as empty text.

    Args:
        value: an array, a masked one, a sparse matrix of SciPy, a column or frame of pandas or polars, lists, or a list
            of arrays (bins, units), a trial each, which are put together with NaN after the ends of shorter ones.
        setting: what it was given for.

    Raises:
        BadInput: NumPy takes it for no array.
    """
    if isinstance(value, np.ma.MaskedArray):
        return _unmasked(value)
    if callable(getattr(value, "toarray", None)):
        value = value.toarray()
    if isinstance(value, list | tuple) and any(callable(getattr(one, "toarray", None)) for one in value):
        value = [one.toarray() if callable(getattr(one, "toarray", None)) else one for one in value]
    if isinstance(value, list | tuple) and any(isinstance(one, np.ma.MaskedArray) for one in value):
        # NumPy would take what is hidden for what is there.
        value = [_unmasked(one) if isinstance(one, np.ma.MaskedArray) else one for one in value]
    try:
        found = np.asarray(value)
    except ValueError as error:
        return _padded(list(value), setting, error)
    except Exception as error:
        raise _none(setting, error) from error
    if found.dtype != object:
        return found
    if found.ndim == 1 and len(found) and all(isinstance(one, np.ndarray | list) for one in found):
        return _padded(list(found), setting, ValueError("arrays in an array"))
    return _of_objects(found)


def names(value: Any, setting: str) -> tuple[str, ...]:
    """Return what the columns of a frame, or of a list of alike ones, or the last axis of an array, are called.

    Args:
        value: a frame of pandas, polars or pyarrow, pynapple's TsdFrame, a column, xarray's array, or a list of one of
            these for each trial.
        setting: what it was given for.

    Returns:
        Names; none where they are numbers of places, or there are none.

    Raises:
        BadInput: trials have other columns, or in another order, which NumPy would take for each other; two columns
            have one name.
    """
    if isinstance(value, list | tuple):
        each = (
            {names(one, setting) for one in value} if len(value) and not isinstance(value[0], numbers.Real) else set()
        )
        if len(each) > 1:
            told = " and ".join(", ".join(one) or "none" for one in sorted(each)[:2])
            raise BadInput(f"{setting} expected the same columns in the same order in each trial, got {told}")
        return next(iter(each), ())
    for of in ("column_names", "columns"):
        if (known := getattr(value, of, None)) is not None and not callable(known):
            found = [_spelled(one) for one in known if isinstance(one, str | tuple)]
            if twice := [one for place, one in enumerate(found) if one in found[:place]]:
                raise BadInput(f"{setting} expected each column once, got {twice[0]!r} more than once; rename one")
            return tuple(found) if len(found) == len(known) else ()
    if (axes := getattr(value, "dims", None)) and hasattr(value, "coords") and axes[-1] in value.coords:
        last = np.asarray(value.coords[axes[-1]])
        return tuple(last.tolist()) if last.dtype.kind == "U" else ()
    own = getattr(value, "name", None)
    return (own,) if isinstance(own, str) and own and getattr(value, "ndim", 1) == 1 else ()


def _spelled(name: str | tuple[object, ...]) -> str:
    return name if isinstance(name, str) else " ".join(map(str, name))


def _unmasked(value: np.ma.MaskedArray) -> np.ndarray:
    hidden = np.ma.getmaskarray(value)
    if not hidden.any():
        return np.asarray(value.data)
    if value.dtype.kind in "iufb":
        return np.where(hidden, np.nan, value.data)
    return np.where(hidden, "", value.data.astype(str))


def _padded(trials: list[Any], setting: str, error: ValueError) -> np.ndarray:
    """Return trials of unequal length as one array. Raises BadInput where they are no arrays (bins, the same units)."""
    each = [array(one, setting) for one in trials]
    if any(one.ndim != 2 or one.dtype.kind not in "iufb" for one in each) or len({one.shape[1] for one in each}) > 1:
        raise _none(setting, error) from error
    found = np.full((len(each), max(map(len, each)), each[0].shape[1]), np.nan)
    for row, one in enumerate(each):
        found[row, : len(one)] = one
    return found


def _of_objects(found: np.ndarray) -> np.ndarray:
    """Return an array of objects as one of numbers or text; unchanged where they are something else."""
    there = [one for one in found.flat if not _is_gone(one)]
    if all(isinstance(one, numbers.Real | np.bool_) for one in there):
        if len(there) == found.size and (exact := np.array(found.tolist())).dtype.kind in "iufb":
            return exact
        values = [np.nan if _is_gone(one) else float(one) for one in found.flat]
        return np.array(values, dtype=np.float64).reshape(found.shape)
    if all(isinstance(one, str | numbers.Real | np.bool_) for one in there):
        return np.array(["" if _is_gone(one) else str(one) for one in found.flat]).reshape(found.shape)
    return found


def _is_gone(one: object) -> bool:
    return one is None or (not isinstance(one, str) and str(one) in GONE)


def _none(setting: str, error: Exception) -> BadInput:
    then = "; trials of unequal length are a list of arrays (bins, units)" if isinstance(error, ValueError) else ""
    return BadInput(f"{setting} expected an array of numbers, got what numpy takes for none ({error}){then}")
