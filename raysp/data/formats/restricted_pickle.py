"""Pickled pandas tables, lists and dictionaries of numbers, text and NumPy arrays, read without running anything.

A pickle is a program. Here it may use few instructions, and name only what such tables hold; each of those names stands
for an inert record that keeps what it was given, never for the library's own function. The arrays are then built from
the records. So nothing can be run, and the installed version of pandas does not matter.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from raysp.errors import BadInput

_WORDS = """
PROTO FRAME STOP MARK MEMOIZE BINGET LONG_BINGET STACK_GLOBAL NEWOBJ REDUCE BUILD NONE NEWTRUE NEWFALSE
BININT BININT1 BININT2 LONG1 BINFLOAT SHORT_BINUNICODE BINUNICODE SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8
EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
"""
INSTRUCTIONS = frozenset(_WORDS.split())
"""What protocols 4 and 5 write for a table. Of the others some reach past the allowed names or the file's size."""

NAMES = {
    "frame": ("pandas.core.frame DataFrame", "pandas DataFrame"),
    "manager": ("pandas.core.internals.managers BlockManager",),
    "block": ("pandas._libs.internals _unpickle_block",),
    "slice": ("builtins slice",),
    "index": ("pandas.core.indexes.base _new_Index",),
    "plain index": ("pandas.core.indexes.base Index", "pandas Index"),
    "multi index": ("pandas.core.indexes.multi MultiIndex", "pandas MultiIndex"),
    "array": ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"),
    "buffer": ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer"),
    "scalar": ("numpy.core.multiarray scalar", "numpy._core.multiarray scalar"),
    "tensor": ("torch._utils _rebuild_tensor_v2",),
    "parameter": ("torch._utils _rebuild_parameter",),
    "stored": ("torch.storage _load_from_bytes",),
    "hooks": ("collections OrderedDict",),
    "masked": ("numpy.ma.core _mareconstruct", "numpy.ma _mareconstruct"),
    "dtype": ("numpy dtype",),
    "ndarray": ("numpy ndarray",),
    "masked array": ("numpy.ma.core MaskedArray", "numpy.ma MaskedArray"),
}
"""Kind of record -> the names, "module name", that pandas 1.5 to 3 and NumPy 1 and 2 write for it."""

CODES = r"b1|[iu][1248]|f[248]|O8"
DEEPEST, REPEATED = 16, 64
"""Lists in lists; and values, as a multiple of the bytes that hold them: more is no data, but a trap."""

FAULTS = (
    pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError, ArithmeticError, MemoryError,
    RecursionError,
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table's columns and index levels by name.

    Attributes:
        columns: name -> (rows,); objects are None, numbers, text and arrays (masked ones as `np.ma.MaskedArray`).
        index: name of the level -> (rows,).
    """

    columns: dict[str, np.ndarray]
    index: dict[str, np.ndarray]


class _Record:
    """What a name was called with (`args`), and the state it was given later."""

    __slots__ = ("args", "state")
    kind = ""
    args: tuple[object, ...]
    state: object

    def __new__(cls, *args: object) -> _Record:
        made = object.__new__(cls)
        made.args, made.state = args, None
        return made

    # With a method of that name no instruction can set attributes, neither of a record nor of its class.
    def __setstate__(self, state: object) -> None:
        self.state = state


_KNOWN = {name: type("_Record", (_Record,), {"__slots__": (), "kind": kind}) for kind in NAMES for name in NAMES[kind]}


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, where: str) -> None:
        super().__init__(io.BytesIO(data))
        self.where = where

    def find_class(self, module: str, name: str) -> type[_Record]:
        if (found := _KNOWN.get(f"{module} {name}")) is None:
            raise BadInput(
                f"{self.where}: expected pickled numbers, text and NumPy arrays, but it asks for "
                f"{module}.{name}; it was refused, and nothing was run. Do not open the file by other means unless you "
                "trust whoever made it"
            )
        return found


def load_table(data: bytes, where: str) -> Table:
    """Read a pickled pandas DataFrame.

    Args:
        data: the pickle's bytes, protocol 4 or 5.
        where: what is read, for the beginning of an error's sentence.

    Returns:
        The table; arrays of numbers are views of the bytes.

    Raises:
        BadInput: the bytes are damaged, no table, or ask for anything that such tables do not hold. Nothing of what
            they ask for is run.
    """
    try:
        _check_instructions(data, where)
        return _table(_Unpickler(data, where).load())
    except BadInput:
        raise
    except FAULTS as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{where}: expected a pickled table, got something else or a damaged one ({reason})") from error


def load_values(data: bytes, where: str) -> Any:
    """Read pickled lists and dictionaries of numbers, text and NumPy arrays.

    Args:
        data: the pickle's bytes, protocol 4 or 5.
        where: what is read, for the beginning of an error's sentence.

    Returns:
        Lists, tuples and dictionaries of None, numbers, text and arrays; scalars of NumPy's as numbers of Python's,
        tensors of PyTorch's as arrays.

    Raises:
        BadInput: the bytes are damaged, or ask for anything else. Nothing of what they ask for is run.
    """
    try:
        _check_instructions(data, where)
        return _Values(REPEATED * len(data)).plain(_Unpickler(data, where).load(), 0)
    except BadInput:
        raise
    except FAULTS as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"{where}: expected pickled numbers, text and arrays, got something else or a damaged file ({reason})"
        ) from error


@dataclass
class _Values:
    """Builds values from records, as many as are `left`."""

    left: int

    def plain(self, found: object, depth: int) -> Any:
        self.left -= 1
        if depth > DEEPEST or self.left < 0:
            raise ValueError("its lists hold one another")
        match found:
            case None | bool() | int() | float() | str():
                return found
            case list() | tuple():
                return type(found)(self.plain(one, depth + 1) for one in found)
            case dict():
                return {self.plain(key, depth + 1): self.plain(one, depth + 1) for key, one in found.items()}
            case _Record(kind="scalar", args=(dtype, bytes() as data)):
                return _numbers(data, _dtype(dtype), (), "C").item()
            case _Record(kind="parameter", args=(tensor, *_)):
                return self.plain(tensor, depth + 1)
            case _Record(
                kind="tensor",
                args=(
                    _Record(kind="stored", args=(bytes() as data,)),
                    int(first),
                    tuple() as shape,
                    tuple() as strides,
                    *_,
                ),
            ):
                return _tensor(data, first, shape, strides)
        return _array(found)


def _check_instructions(data: bytes, where: str) -> None:
    with warnings.catch_warnings():
        # Text of an instruction that is refused anyway may hold escapes that Python finds odd.
        warnings.simplefilter("ignore", DeprecationWarning)
        for instruction, argument, _ in pickletools.genops(data):
            if instruction.name not in INSTRUCTIONS:
                raise BadInput(
                    f"{where}: expected a table pickled with protocol 4 or 5, but it holds the instruction "
                    f"{instruction.name} {str(argument)[:80]}; nothing was run"
                )


def _table(found: object) -> Table:
    match found:
        case _Record(kind="frame", state={"_mgr": _Record(kind="manager", args=(tuple() as blocks, [columns, index]))}):
            (names,), levels = _index(columns).values(), _index(index)
            return Table(_columns(blocks, [str(name) for name in names], len(next(iter(levels.values())))), levels)
    raise ValueError("no DataFrame in it")


def _columns(blocks: tuple[object, ...], names: list[str], rows: int) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for block in blocks:
        match block:
            case _Record(kind="block", args=(values, places, 2)):
                array = _array(values)
            case _:
                raise ValueError("a block of the table cannot be read")
        for place, column in zip(_places(places), array, strict=True):
            columns[names[place]] = column
            if column.shape != (rows,):
                raise ValueError(f"column {names[place]} does not have {rows} rows")
    if len(columns) != len(names):
        raise ValueError(f"expected columns {names}, found {list(columns)}")
    return {name: columns[name] for name in names}


def _places(found: object) -> Iterable[int]:
    match found:
        case _Record(kind="slice", args=(int(start), int(stop), int(step))):
            return range(start, stop, step)
    return _array(found).tolist()


def _index(found: object) -> dict[str, np.ndarray]:
    match found:
        case _Record(kind="index", args=(kind, {"data": data, "name": name})) if _is(kind, "plain index"):
            return {str(name): _array(data)}
        case _Record(
            kind="index", args=(kind, {"levels": list() as levels, "codes": list() as codes, "names": list() as names})
        ) if _is(kind, "multi index"):
            values = [next(iter(_index(level).values())) for level in levels]
            return {str(name): _at(level, _array(code)) for name, level, code in zip(names, values, codes, strict=True)}
    raise ValueError("an index of the table cannot be read")


def _is(kind: object, wanted: str) -> bool:
    return isinstance(kind, type) and issubclass(kind, _Record) and kind.kind == wanted


def _at(level: np.ndarray, codes: np.ndarray) -> np.ndarray:
    if codes.size and codes.min() < 0:
        raise ValueError("an index of the table has missing values")
    return level[codes]


def _array(found: object) -> np.ndarray:
    match found:
        case _Record(kind="buffer", args=(bytes() | bytearray() as data, dtype, tuple() as shape, "C" | "F" as order)):
            return _numbers(data, _dtype(dtype), shape, order)
        case _Record(kind="array", state=(_, tuple() as shape, dtype, fortran, bytes() | bytearray() as data)):
            return _numbers(data, _dtype(dtype), shape, "F" if fortran else "C")
        case _Record(kind="array", state=(_, tuple() as shape, dtype, fortran, list() as items)):
            if not _dtype(dtype).hasobject:
                raise ValueError("an array of numbers holds objects")
            array = np.empty(len(items), dtype=object)
            for place, item in enumerate(items):
                array[place] = _item(item)
            return array.reshape(shape, order="F" if fortran else "C")
        case _Record(kind="masked", state=(_, tuple() as shape, dtype, fortran, bytes() as data, bytes() as mask, _)):
            way: Literal["C", "F"] = "F" if fortran else "C"
            hidden = _numbers(mask, np.dtype(bool), shape, way)
            return np.ma.MaskedArray(_numbers(data, _dtype(dtype), shape, way), hidden)
    raise ValueError("an array of the table cannot be read")


def _item(found: object) -> object:
    if found is None or isinstance(found, bool | int | float | str):
        return found
    array = _array(found)
    if array.dtype.hasobject:
        raise ValueError("an array of objects lies in another")
    return array


def _numbers(data: bytes | bytearray, dtype: np.dtype, shape: tuple[int, ...], order: Literal["C", "F"]) -> np.ndarray:
    if dtype.hasobject:
        raise ValueError("an array of objects is given as bytes")
    array = np.ndarray(shape, dtype, buffer=data, order=order)
    if array.nbytes != len(data):
        raise ValueError(f"an array of shape {shape} and type {dtype} has {len(data)} bytes")
    return array


def _tensor(data: bytes, first: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """Return the values of a tensor whose storage PyTorch wrote; its own reader of weights alone runs nothing."""
    import torch

    try:
        with warnings.catch_warnings():
            # Of bytes that are refused anyway.
            warnings.simplefilter("ignore")
            storage = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        flat = torch.tensor([], dtype=storage.dtype).set_(storage)
        if math.prod(shape) <= flat.numel():
            return np.array(flat.as_strided(shape, strides, first).numpy())
        reason = f"{flat.numel()} values for shape {shape}"
    except Exception as error:
        reason = str(error)[:200]
    raise ValueError(f"a tensor in it cannot be read: {reason}")


def _dtype(found: object) -> np.dtype:
    match found:
        case _Record(
            kind="dtype", args=(str(code), *_), state=(_, "<" | ">" | "|" | "=" as order, None, None, None, *_)
        ):
            if re.fullmatch(CODES, code):
                return np.dtype(object if code == "O8" else order + code)
    raise ValueError("an array of the table has an unknown type of number")
