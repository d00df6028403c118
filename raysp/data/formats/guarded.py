"""Objects of an HDF5 file, read under guard: whatever HDF5 raises names the file, the object and what is wrong.

They are read as h5py's own are: `group["a/b"]`, `name in group`, `dataset[()]`, `dataset[2:5]`, `node.attrs["x"]`.
Links, soft, hard and to other files, are followed; one that leads nowhere is named where it is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from raysp.data.formats import hdf5_heaps
from raysp.data.formats.hdf5_faults import load_filters, missing_filters, unreadable
from raysp.data.formats.hdf5_unwritten import unwritten
from raysp.errors import BadInput, unknown
from raysp.io import files, storage

MOST_PACKED = 5000
FREE_BYTES = 1 << 28


class _Node:
    """An object of an open file. Its attributes and its content are read under guard.

    Attributes:
        filename: the file's path or address.
        again: what to do about a damaged file.
    """

    def __init__(self, node: h5py.HLObject, filename: str, again: str) -> None:
        self._node, self.filename, self.again = node, filename, again

    @property
    def name(self) -> str:
        """The object's path in the file, "/" for the file itself; of a linked one the path that led here."""
        return self._node.name or "?"

    @property
    def where(self) -> str:
        """The beginning of a sentence about the object: file and path."""
        return f"{self.filename}: {self.name}" if self.name != "/" else self.filename

    @property
    def token(self) -> tuple[int, int]:
        """What is equal for two ways that lead to one object."""
        with self._guard(""):
            found = h5py.h5o.get_info(self._node.id)
            return found.fileno, found.addr

    @property
    def attrs(self) -> Attributes:
        """The object's attributes."""
        return Attributes(self)

    def refuse(self, problem: str) -> BadInput:
        """Return the error that the object is not what it should be."""
        return BadInput(f"{self.where} {problem}")

    @contextlib.contextmanager
    def _guard(self, inside: str) -> Iterator[None]:
        try:
            yield
        except BadInput:
            raise
        except Exception as error:
            if not files.is_local(self.filename) and storage.is_from_store(error):
                raise
            raise BadInput(unreadable(self._node, self.where, inside, error, self.again)) from error

    def _check_text(self) -> None:
        # Python cannot interrupt the library, which would look for a damaged heap's end for ever.
        if files.is_local(self.filename) and hdf5_heaps.damaged(self._node.file.filename):
            raise self.refuse(f"is damaged: the file's heap of text has no end; {self.again}")


class Group(_Node):
    """A group of an open file, read as h5py's is."""

    def __iter__(self) -> Iterator[str]:
        with self._guard(""):
            return iter([_name(name) for name in self._node])

    def __len__(self) -> int:
        with self._guard(""):
            return len(self._node)

    def __contains__(self, name: str) -> bool:
        with self._guard(name):
            return name in self._node

    def __getitem__(self, name: str) -> Group | Dataset:
        if name not in self:
            raise self.refuse(str(unknown("object", name, list(self))))
        with self._guard(name):
            found = self._node[name]
            if isinstance(found, h5py.Group):
                return Group(found, self.filename, self.again)
            if isinstance(found, h5py.Dataset):
                return Dataset(found, self.filename, self.again)
        raise self.refuse(f"expected an array or a group under {name!r}, found a named data type")

    def group(self, name: str) -> Group:
        """Return a group in this one. Raises BadInput when it is none."""
        if isinstance(found := self[name], Group):
            return found
        raise found.refuse("expected a group, found an array")

    def array(self, name: str) -> Dataset:
        """Return an array in this group, unread. Raises BadInput when it is none."""
        if isinstance(found := self[name], Dataset):
            return found
        raise found.refuse("expected an array, found a group")

    def copy(self, name: str, target: h5py.Group) -> None:
        """Copy an object of this group into a group of another file that is being written."""
        with self._guard(name):
            self._node.copy(name, target)

    def walk(self, skipped: Container[str] = ()) -> Iterator[tuple[str, Group | Dataset]]:
        """Give everything below by its path from here, links followed; what cannot be opened is passed over.

        Args:
            skipped: names in this group that are not looked into.
        """
        yield from _walk(self, "", {self.token}, skipped)


def _walk(
    group: Group, above: str, entered: set[tuple[int, int]], skipped: Container[str] = ()
) -> Iterator[tuple[str, Group | Dataset]]:
    try:
        names = [name for name in group if name not in skipped]
    except BadInput:
        return
    for name in names:
        try:
            node = group[name]
            token = node.token
        except BadInput:
            continue
        yield f"{above}{name}", node
        # Links may lead back: no group is entered twice.
        if isinstance(node, Group) and token not in entered:
            entered.add(token)
            yield from _walk(node, f"{above}{name}/", entered)


class Dataset(_Node):
    """An array of an open file, read as h5py's is: `dataset[()]`, `dataset[first:last]`."""

    _whole = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape; () for a scalar."""
        with self._guard(""):
            if self._node.shape is None:
                raise self.refuse("expected an array, found one that was declared and never given values")
            return self._node.shape

    @property
    def dtype(self) -> np.dtype:
        """The type of its values."""
        with self._guard(""):
            return self._node.dtype

    def __len__(self) -> int:
        if not self.shape:
            raise self.refuse("expected an array, found a single value")
        return self.shape[0]

    def __getitem__(self, selection: Any) -> Any:
        shape = self.shape
        with self._guard(""):
            if self._node.dtype.kind == "O":
                self._check_text()
            _check_stored(self, int(np.prod(shape, dtype=object)) * self._node.dtype.itemsize)
            self._check_whole()
            try:
                return self._node[selection]
            except Exception:
                if not missing_filters(self._node) or not load_filters():
                    raise
                return self._node[selection]

    def _check_whole(self) -> None:
        if not self._whole and (problem := unwritten(self._node)):
            raise self.refuse(f"{problem}; HDF5 would read zeros there; {self.again}")
        self._whole = True

    def numbers(self, *shape: int | None) -> np.ndarray:
        """Read real numbers; see `expect`. Half precision is widened to single."""
        found = np.asarray(self.expect(*shape)[()])
        return found.astype(np.float32) if found.dtype == np.float16 else found

    def expect(self, *shape: int | None) -> Dataset:
        """Return the array itself, unread, after checking that it holds real numbers.

        Args:
            shape: what each axis must be; None for any length.

        Raises:
            BadInput: another shape, or text, complex numbers, records, references.
        """
        if len(self.shape) != len(shape) or any(a not in (None, b) for a, b in zip(shape, self.shape, strict=True)):
            raise self.refuse(f"expected shape {_spelled(shape)}, got {self.shape}; write it anew in that shape")
        if self.dtype.kind not in "iufb":
            raise self.refuse(f"expected numbers, got {kind_of(self.dtype)}")
        return self

    def pointed(self) -> list[Group | Dataset]:
        """Return the objects, unread, that an array of references points to, in C order.

        Raises:
            BadInput: they are no references, or one points nowhere.
        """
        if h5py.check_ref_dtype(self.dtype) is not h5py.Reference:
            raise self.refuse(f"expected references to other objects, got {kind_of(self.dtype)}")
        # Not by their names, for each of which HDF5 would search the whole file.
        with self._guard("what it points to"):
            found = [self._node.file[one] for one in np.asarray(self._node[()]).ravel()]
        of = self.filename, self.again
        return [Group(one, *of) if isinstance(one, h5py.Group) else Dataset(one, *of) for one in found]

    def text(self) -> np.ndarray:
        """Read text, any shape, as an array of str. Raises BadInput where it is none, or not UTF-8."""
        found = np.asarray(self[()], dtype=object)
        try:
            return np.array([_decoded(value) for value in found.ravel()], dtype=str).reshape(found.shape)
        except UnicodeDecodeError as error:
            raise self.refuse(
                f"holds text that is not UTF-8 ({error.object[:40]!r}); write it anew as UTF-8"
            ) from error


class Attributes(Mapping[str, Any]):
    """The attributes of an object, read under guard."""

    def __init__(self, node: _Node) -> None:
        self._of = node

    def __iter__(self) -> Iterator[str]:
        with self._of._guard("its attributes"):
            return iter([_name(name) for name in self._of._node.attrs])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        with self._of._guard(f"attribute {name}"):
            return name in self._of._node.attrs

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise self._of.refuse(str(unknown("attribute", name, list(self))))
        with self._of._guard(f"attribute {name}"):
            self._of._check_text()
            return self._of._node.attrs[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or `default` where there is none."""
        if name not in self:
            return default
        return self[name]


def kind_of(dtype: np.dtype) -> str:
    """Return what an array's values are, in words."""
    if dtype.names:
        return f"records of {', '.join(dtype.names)}"
    if h5py.check_ref_dtype(dtype) is not None:
        return "references to other objects"
    if is_text(dtype):
        return "text"
    if h5py.check_vlen_dtype(dtype) is not None:
        return "arrays of different lengths"
    return {"c": "complex numbers", "b": "truth values", "V": "raw bytes"}.get(dtype.kind, str(dtype))


def is_text(dtype: np.dtype) -> bool:
    """Tell whether an array's values are text."""
    return dtype.kind in "SU" or h5py.check_string_dtype(dtype) is not None


def decoded(value: object) -> str:
    """Return an attribute's or scalar's text; bytes that are not UTF-8 are replaced."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _name(name: str | bytes) -> str:
    # A name that is not UTF-8 comes as bytes; spelled out it names nothing, and is passed over or refused.
    return name if isinstance(name, str) else name.decode(errors="backslashreplace")


def _decoded(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _spelled(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('n' if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def _check_stored(dataset: Dataset, size: int) -> None:
    # A damaged or sparse array may claim more than all memory, which some systems hand out and only later miss.
    if dataset._node.is_virtual:
        return
    stored = dataset._node.id.get_storage_size()
    if size > FREE_BYTES and size > MOST_PACKED * max(stored, 1):
        raise dataset.refuse(
            f"claims {size / 2**30:.3g} GiB of shape {dataset.shape}, but only {stored} bytes are stored"
        )
