"""What a MATLAB file holds, by names such as "trial.spikes": arrays, cell arrays, structs; version 5 to 7 or 7.3."""

from __future__ import annotations

import contextlib
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from raysp.data.formats import column_major, file_kind, hdf5, starred
from raysp.data.formats.guarded import Dataset, Group, decoded
from raysp.errors import BadInput, unknown
from raysp.io import files

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix

OLD = b"MATLAB 5.0 MAT-file"
OPAQUE = (
    "a table, datetime, string, map or other object of MATLAB; save it as a struct: s = table2struct(t), or struct(x)"
)

PATTERN = starred.STAR
COLUMN = re.compile(r"(.+)\(:,\s*(\d+)\)")
"""A column of a matrix, as MATLAB writes it."""
MOST_FULL = 2**28
"""Values of a sparse matrix that is read as a full one."""


@dataclass(frozen=True)
class Struct:
    """A struct, or an array of structs.

    Attributes:
        names: of its fields.
        count: how many structs there are.
        field: returns one field's value of each.
    """

    names: tuple[str, ...]
    count: int
    field: Callable[[str], list[Value]]


Value: TypeAlias = "np.ndarray | Struct"
"""An array of numbers, truth values or text; a cell array, an array of objects that are values themselves; structs."""


@dataclass(frozen=True)
class Values:
    """An open MATLAB file.

    Attributes:
        path: of it, for errors.
        names: of its variables.
        variable: returns one's value.
    """

    path: str
    names: tuple[str, ...]
    variable: Callable[[str], Value]

    def matching(self, pattern: str) -> list[str]:
        """Return the variables, or fields of such, that a name with a star fits: "sig*", "ch*.times".

        Structs without that field are left out. Raises BadInput where there are none.
        """
        first, _, field = pattern.partition(".")
        found = starred.natural(starred.fitting(first, self.names)[0])
        if field:
            found = [f"{name}.{field}" for name in found if self._has(name, field)]
        if not found:
            raise BadInput(f"{self.path}: nothing is called {pattern}; it holds {', '.join(self.names[:12])}")
        return found

    def _has(self, name: str, field: str) -> bool:
        try:
            self[f"{name}.{field}"]
        except BadInput:
            return False
        return True

    def __getitem__(self, name: str) -> Value:
        """Return what a name stands for; of a field of an array of structs, an array of objects with each one's value.

        Of a matrix, "spikes(:,2)" stands for its second column. A name with a star, "sig*", stands for an array of
        objects with each such variable, in their names' order; "ch*.times" for one with that field of each.

        Raises:
            BadInput: no variable or field has that name, or it is an object of a class that only MATLAB reads.
        """
        if (part := COLUMN.fullmatch(name)) is not None:
            return self._column(part[1], int(part[2]))
        first, *fields = name.split(".")
        if PATTERN in first:
            return objects([self[one] for one in self.matching(name)])
        if first not in self.names:
            raise BadInput(f"{self.path}: {unknown('variable', first, self.names)}")
        value, so_far = self.variable(first), first
        for field in fields:
            if not isinstance(value, Struct):
                raise BadInput(f"{self.path}: {so_far} expected a struct with a field {field}, got {kind(value)}")
            if field not in value.names:
                raise BadInput(f"{self.path}: {unknown(f'field of {so_far}', field, value.names)}")
            each = value.field(field)
            value, so_far = each[0] if len(each) == 1 else objects(each), f"{so_far}.{field}"
        return value

    def _column(self, name: str, column: int) -> np.ndarray:
        value = self[name]
        if isinstance(value, Struct) or value.ndim != 2 or not 1 <= column <= value.shape[1]:
            raise BadInput(f"{self.path}: {name} expected a matrix with a column {column}, got {kind(value)}")
        found: np.ndarray = value[:, column - 1]
        return found


def columns(name: str, value: Value) -> dict[str, np.ndarray]:
    """Return the columns of a matrix of numbers that has more rows than columns, as "events(:,1)"; of others none."""
    if (
        isinstance(value, Struct)
        or value.ndim != 2
        or value.dtype.kind not in "iuf"
        or not 1 < value.shape[1] < len(value)
    ):
        return {}
    return {f"{name}(:,{place + 1})": column for place, column in enumerate(value.T)}


def kind(value: Value) -> str:
    """Say what a value is, for an error."""
    if isinstance(value, Struct):
        many = f"an array of {value.count} structs" if value.count != 1 else "a struct"
        return f"{many} with fields {', '.join(value.names)}"
    shape = " x ".join(map(str, value.shape))
    return f"a cell array, {shape}" if value.dtype == object else f"{value.dtype} of shape {shape}"


@contextlib.contextmanager
def opened(path: str) -> Iterator[Values]:
    """Open a MATLAB file.

    Raises:
        BadInput: there is no such file, it is damaged, or of another kind.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path, parts=True) as file:
        old = file.read(len(OLD)) == OLD
    if old:
        with files.opened(path) as file:
            yield _old(file, path)
    else:
        with hdf5.opened(path) as group:
            names = tuple(name for name in group if not name.startswith("#"))
            yield Values(path, names, lambda name: _new(group[name]))


def arrays(path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Return arrays and cell arrays of a file by name.

    Raises:
        BadInput: as of `opened` and `Values`; or one of them is a struct.
    """
    with opened(path) as file:
        return [_array(file[name], f"{path}: {name}") for name in names]


def padded(value: Value) -> list[np.ndarray] | None:
    """Return the rows, or columns, of a matrix that ends in NaN in each of them; None of anything else.

    Of columns that get shorter from left to right, the rows end in NaN, too: then those are meant in which times rise.
    """
    if isinstance(value, Struct) or value.dtype.kind != "f" or value.ndim != 2 or min(value.shape) < 2:
        return None
    empty = np.isnan(value)
    if not empty.any() or empty.all():
        return None
    able = [
        [row[~none] for row, none in zip(rows, gone, strict=True)]
        for rows, gone in ((value, empty), (value.T, empty.T))
        if (np.diff(gone.astype(np.int8), axis=1) >= 0).all() and not gone[:, 0].all()
    ]
    rising = [rows for rows in able if all((np.diff(row) >= 0).all() for row in rows)]
    return next(iter([*rising, *able]), None)


def _array(value: Value, where: str) -> np.ndarray:
    if isinstance(value, Struct):
        raise BadInput(f"{where} expected an array, got {kind(value)}; name one of them, as in data.field")
    return value


def _old(file: BinaryIO, path: str) -> Values:
    from scipy.io import loadmat, whosmat

    def read(action: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
        file.seek(0)
        try:
            with warnings.catch_warnings(action="ignore"):
                return action()
        except Exception as error:
            raise BadInput(f"{path} is cut off or damaged ({str(error)[:160]}); copy it again") from error

    kinds = read(lambda: {name: np.array(of) for name, _, of in whosmat(file)})

    def variable(name: str) -> Value:
        if kinds[name] in ("opaque", "object", "function"):
            raise BadInput(f"{path}: {name} is {OPAQUE}")
        return _old_value(read(lambda: loadmat(file, variable_names=[name]))[name], f"{path}: {name}")

    return Values(path, tuple(name for name in kinds if name != "None"), variable)


def _old_value(found: object, where: str) -> Value:
    from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque
    from scipy.sparse import csc_matrix, issparse

    if issparse(found):
        return _full(csc_matrix(found), where)
    if isinstance(found, MatlabFunction | MatlabObject | MatlabOpaque) or not isinstance(found, np.ndarray):
        raise BadInput(f"{where} is {OPAQUE}")
    if found.dtype.names:
        flat = found.ravel(order="F")
        return Struct(
            found.dtype.names, flat.size, lambda name: [_old_value(one, f"{where}.{name}") for one in flat[name]]
        )
    if found.dtype == object:
        return _cells([_old_value(one, where) for one in found.ravel(order="F")], found.shape)
    return np.char.rstrip(found.ravel()) if found.dtype.kind == "U" else found


def _full(found: csc_matrix, where: str) -> np.ndarray:
    if math.prod(found.shape) > MOST_FULL:
        told = f"{where} is a sparse matrix of {found.shape[0]} x {found.shape[1]}"
        raise BadInput(f"{told}, too large to be filled; save the times of its spikes")
    return np.asarray(found.toarray())


def _new_sparse(node: Group) -> np.ndarray:
    from scipy.sparse import csc_matrix

    there = {name: node.array(name)[()] if name in node else np.zeros(0) for name in ("data", "ir", "jc")}
    shape = (int(node.attrs["MATLAB_sparse"]), max(len(there["jc"]) - 1, 0))
    try:
        found = csc_matrix((there["data"], there["ir"].astype(np.int64), there["jc"].astype(np.int64)), shape)
        found.check_format()
    except (ValueError, TypeError) as error:
        raise BadInput(f"{node.where} is no whole sparse matrix ({str(error)[:80]}); save full(x)") from error
    return _full(found, node.where)


def _new(node: Group | Dataset) -> Value:
    class_ = decoded(node.attrs.get(column_major.CLASS, ""))
    if isinstance(node, Dataset) and class_ == "cell" and "MATLAB_empty" not in node.attrs:
        return _cells([_new(one) for one in node.pointed()], node.shape[::-1])
    if isinstance(node, Group) and class_ in ("struct", "") and "MATLAB_sparse" not in node.attrs:
        return _new_struct(node)
    if isinstance(node, Group) and "MATLAB_sparse" in node.attrs:
        return _new_sparse(node)
    if class_ not in (*column_major.NUMBERS, "char", "cell"):
        raise BadInput(f"{node.where} is {OPAQUE}")
    return column_major.read(node)


def _new_struct(node: Group) -> Struct:
    names = tuple(node)
    # Of an array of structs each field is an array of references; of one struct it is the value itself.
    arrays = [one for field in names if isinstance(one := node[field], Dataset) and _is_of_structs(one)]
    if not arrays or len(arrays) < len(names):
        return Struct(names, 1, lambda field: [_new(node[field])])
    return Struct(names, len(arrays[0].pointed()), lambda field: [_new(one) for one in node.array(field).pointed()])


def _is_of_structs(node: Dataset) -> bool:
    return node.dtype.kind == "O" and column_major.CLASS not in node.attrs


def _cells(values: Sequence[Value], shape: tuple[int, ...]) -> Value:
    """Return a cell array of values in MATLAB's order; one of structs with the same fields is an array of structs."""
    structs = [one for one in values if isinstance(one, Struct) and one.count == 1]
    if structs and len(structs) == len(values) and len({frozenset(one.names) for one in structs}) == 1:
        return Struct(structs[0].names, len(structs), lambda field: [one.field(field)[0] for one in structs])
    return objects(values).reshape(shape, order="F")


def objects(values: Sequence[Value]) -> np.ndarray:
    """Return values as an array of objects, (values,)."""
    found = np.empty(len(values), object)
    found[:] = list(values)
    return found
