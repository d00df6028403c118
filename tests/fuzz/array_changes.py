"""Changes of one array that leave it an array: what a slip in somebody's script makes of it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from tests.fuzz.kinds import NotHere

ArrayChange = Callable[[np.ndarray, Random], np.ndarray]


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iufb" or array.size == 0:
        raise NotHere
    return array


def _with(array: np.ndarray, rng: Random, value: float) -> np.ndarray:
    changed = _numbers(array).astype(np.float64)
    changed.reshape(-1)[rng.randrange(changed.size)] = value
    return changed


def value(array: np.ndarray, rng: Random) -> np.ndarray:
    changed = _numbers(array).copy()
    at = rng.randrange(changed.size)
    flat = changed.reshape(-1)
    flat[at] = not flat[at] if changed.dtype == bool else flat[at] + 1
    return changed


def nan(array: np.ndarray, rng: Random) -> np.ndarray:
    return _with(array, rng, np.nan)


def infinite(array: np.ndarray, rng: Random) -> np.ndarray:
    return _with(array, rng, rng.choice((np.inf, -np.inf)))


def huge(array: np.ndarray, rng: Random) -> np.ndarray:
    return _with(array, rng, rng.choice((1e300, 1e17, 2.0**31, 2.0**63)))


def negative(array: np.ndarray, rng: Random) -> np.ndarray:
    return _with(array, rng, -3.0)


def scaled(array: np.ndarray, rng: Random) -> np.ndarray:
    return _numbers(array) * rng.choice((1000.0, 30000.0))


def scaled_down(array: np.ndarray, rng: Random) -> np.ndarray:
    return _numbers(array) / 1000.0


def zeros(array: np.ndarray, rng: Random) -> np.ndarray:
    return np.zeros_like(_numbers(array))


def axes(array: np.ndarray, rng: Random) -> np.ndarray:
    if array.ndim < 2:
        raise NotHere
    return np.ascontiguousarray(np.swapaxes(array, *rng.sample(range(array.ndim), 2)))


def row_dropped(array: np.ndarray, rng: Random) -> np.ndarray:
    axis = _axis(array, rng)
    return np.delete(array, rng.randrange(array.shape[axis]), axis=axis)


def row_doubled(array: np.ndarray, rng: Random) -> np.ndarray:
    axis = _axis(array, rng)
    at = rng.randrange(array.shape[axis])
    return np.insert(array, at, np.take(array, at, axis=axis), axis=axis)


def rows_permuted(array: np.ndarray, rng: Random) -> np.ndarray:
    axis = _axis(array, rng)
    order = list(range(array.shape[axis]))
    rng.shuffle(order)
    return np.take(array, order, axis=axis)


def backwards(array: np.ndarray, rng: Random) -> np.ndarray:
    return np.flip(array, axis=_axis(array, rng)).copy()


def empty(array: np.ndarray, rng: Random) -> np.ndarray:
    return array[:0] if array.ndim else array.reshape(1)[:0]


def flat(array: np.ndarray, rng: Random) -> np.ndarray:
    if array.ndim < 2:
        raise NotHere
    return array.reshape(-1)


def column(array: np.ndarray, rng: Random) -> np.ndarray:
    return array[..., None]


def one_row(array: np.ndarray, rng: Random) -> np.ndarray:
    return array[None]


def scalar(array: np.ndarray, rng: Random) -> np.ndarray:
    if array.size == 0:
        raise NotHere
    return array.reshape(-1)[0:1].reshape(())


def other_type(array: np.ndarray, rng: Random) -> np.ndarray:
    kinds = ("f2", "f4", "f8", "i1", "u1", "i4", "i8", "u8", "bool", "c8", "S8", ">f8", ">i4")
    with np.errstate(all="ignore"):
        return _numbers(array).astype(rng.choice(kinds))


def records(array: np.ndarray, rng: Random) -> np.ndarray:
    changed = np.zeros(_numbers(array).shape, dtype=[("a", array.dtype), ("b", "i4")])
    changed["a"] = array
    return changed


CHANGES: dict[str, ArrayChange] = {
    change.__name__: change
    for change in (
        value, value, nan, infinite, huge, negative, scaled, scaled_down, zeros, axes, row_dropped, row_doubled,
        rows_permuted, backwards, empty, flat, column, one_row, scalar, other_type, records,
    )
}  # fmt: skip


def draw(array: np.ndarray, rng: Random) -> tuple[str, np.ndarray]:
    """Change an array in some way; return how, and the new one. Raises NotHere when it stays as it is."""
    name = rng.choice(list(CHANGES))
    with np.errstate(all="ignore"):
        changed = CHANGES[name](array, rng)
    if changed.dtype == array.dtype and changed.shape == array.shape and changed.tobytes() == array.tobytes():
        raise NotHere
    return name, changed


def _axis(array: np.ndarray, rng: Random) -> int:
    axes = [axis for axis, length in enumerate(array.shape) if length > 1]
    if not axes:
        raise NotHere
    return rng.choice(axes)
