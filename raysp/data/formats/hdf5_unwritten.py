"""Values of an HDF5 array that nobody wrote: HDF5 reads zeros for them without a word, and no recording is that.

Chunks, or the whole array, may never have been written, and a virtual array's sources may be gone. Where the array's
writer chose a fill value, what is not written has that value on purpose, as sparse arrays do.
"""

from __future__ import annotations

import math
import os

import h5py
from h5py import h5d, h5s
from h5py._hl.vds import VDSmap


def unwritten(node: h5py.Dataset, above: tuple[h5py.Dataset, ...] = ()) -> str:
    """Return what of an array was never written, as the rest of a sentence that begins with its name; else nothing.

    Args:
        node: the array.
        above: virtual arrays that take values from it.
    """
    if not node.size:
        return ""
    if node.is_virtual:
        return _of_sources(node, above)
    if _is_filled(node):
        return ""
    if node.chunks is not None:
        chunks = math.prod(-(-size // chunk) for size, chunk in zip(node.shape, node.chunks, strict=True))
        missing = chunks - node.id.get_num_chunks()
        return f"is not whole: {missing} of {chunks} chunks were never written" if missing > 0 else ""
    if node.external:
        return _of_files(node)
    return "was declared, but its values were never written" if node.id.get_storage_size() == 0 else ""


def _is_filled(node: h5py.Dataset) -> bool:
    return node.id.get_create_plist().fill_value_defined() == h5d.FILL_VALUE_USER_DEFINED


def _of_files(node: h5py.Dataset) -> str:
    for name, offset, size in node.external:
        path = os.path.join(os.path.dirname(os.path.realpath(node.file.filename)), name)
        # A size that is unlimited says nothing; what the array needs of the last file is known only where it is one.
        needed = node.nbytes if len(node.external) == 1 else size
        there = os.path.getsize(path) - offset if os.path.isfile(path) else needed
        if needed < h5s.UNLIMITED and there < needed:
            return f"takes {needed} bytes from the file {name}, which holds {max(there, 0)} of them"
    return ""


def _of_sources(node: h5py.Dataset, above: tuple[h5py.Dataset, ...]) -> str:
    if node in above:
        return "is a virtual array that takes its values from itself"
    sources = node.virtual_sources()
    # Names with a pattern stand for as many sources as there are, and the array is as long as these.
    for source in sources:
        if "%" not in source.file_name + source.dset_name and (problem := _of_source(node, source, above)):
            told = "this file" if source.file_name == "." else source.file_name
            return f"is a virtual array whose source {source.dset_name} in {told} {problem}"
    if _is_filled(node) or (mapped := _mapped(node, [source.vspace for source in sources])) == node.size:
        return ""
    return f"is a virtual array with sources for {mapped} of its {node.size} values only"


def _of_source(node: h5py.Dataset, source: VDSmap, above: tuple[h5py.Dataset, ...]) -> str:
    if source.file_name == ".":
        return _of_array(node.file, source, (*above, node))
    if (path := _found(node, source.file_name)) is None:
        return "is not there; put that file beside this one"
    with h5py.File(path, "r") as file:
        return _of_array(file, source, (*above, node))


def _of_array(file: h5py.File, source: VDSmap, above: tuple[h5py.Dataset, ...]) -> str:
    found = file.get(source.dset_name)
    if not isinstance(found, h5py.Dataset):
        return "is not there: the file has no such array"
    if not _reaches(found.shape, source):
        return f"has shape {found.shape}, which ends before the last value that is taken from it"
    return unwritten(found, above)


def _reaches(shape: tuple[int, ...], source: VDSmap) -> bool:
    space = source.src_space
    if _is_unlimited(space) or _is_unlimited(source.vspace):
        return True
    if space.get_select_type() == h5s.SEL_ALL:
        return math.prod(shape) >= source.vspace.get_select_npoints()
    last = space.get_select_bounds()[1]
    return len(last) == len(shape) and all(place < size for place, size in zip(last, shape, strict=True))


def _found(node: h5py.Dataset, name: str) -> str | None:
    # The places in which HDF5 looks, in its order.
    beside = os.path.dirname(os.path.realpath(node.file.filename))
    prefix = os.environ.get("HDF5_VDS_PREFIX", "").replace("${ORIGIN}", beside)
    places = [*([prefix] if prefix else []), beside, ""]
    tried = [os.path.join(place, end) for end in (name, os.path.basename(name)) for place in places]
    return next((path for path in tried if os.path.isfile(path)), None)


def _mapped(node: h5py.Dataset, spaces: list[h5s.SpaceID]) -> int:
    """Return how many values have a source; all of them where that cannot be counted."""
    union = h5s.create_simple(node.shape)
    union.select_none()
    for space in spaces:
        if space.get_select_type() != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab() or _is_unlimited(space):
            return int(node.size)
        start, stride, count, block = space.get_regular_hyperslab()
        union.select_hyperslab(start, count, stride, block, op=h5s.SELECT_OR)
    return int(union.get_select_npoints())


def _is_unlimited(space: h5s.SpaceID) -> bool:
    if space.get_select_type() != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return False
    _, _, count, block = space.get_regular_hyperslab()
    return h5s.UNLIMITED in (*count, *block)
