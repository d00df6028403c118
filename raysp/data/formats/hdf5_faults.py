"""What HDF5 says of a file or an array that it cannot read, told as what it means and what to do next."""

from __future__ import annotations

import importlib
import re

import h5py

FILTERS = {
    4: "szip", 307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp",
    32015: "zstd", 32017: "sz", 32018: "fcidecomp", 32024: "sz3", 32026: "blosc2", 32028: "sperr",
}  # fmt: skip
"""Numbers of filters as the HDF Group registers them."""
BUILT_IN = (4, 32000)
"""Of these, those that come with HDF5 or h5py, where they come at all; the others come with the package hdf5plugin."""
LONGEST = 160
PREAMBLE = re.compile(r"^(\[Errno \d+\] )?(Unable|Can't|Cannot) (to )?(synchronously )?[a-z ]+\((.*)\)$", re.S)


def not_opened(error: Exception, again: str) -> str:
    """Return why an HDF5 file did not open, as the rest of a sentence that begins with its path."""
    said = str(error)
    if "unable to lock file" in said:
        return (
            "is whole but locked: another program has it open for writing, or its disk (NFS) does not lock; close that "
            "program, or if none writes to it: export HDF5_USE_FILE_LOCKING=FALSE"
        )
    if "already open for write" in said or "consistency flags" in said:
        return (
            "is marked as being written: a program has it open, or ended without closing it; close that program, or "
            "clear the mark with: h5clear -s"
        )
    if isinstance(error, PermissionError):
        return "may not be read by this user; check who may read it"
    if cut := re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", said):
        return f"is cut off: {cut[1]} of {cut[2]} bytes are there; {again}"
    if "unable to read" in said or "ring type" in said or "eof" in said:
        return f"is cut off or damaged ({plain(error)}); {again}"
    return f"is damaged HDF5 ({plain(error)}); {again}"


def unreadable(node: h5py.HLObject, where: str, inside: str, error: Exception, again: str) -> str:
    """Return the sentence for an object that cannot be read.

    Args:
        node: the object that was read, or the group in which one was looked up.
        where: file and path of `node`.
        inside: what was looked up in it; empty for `node` itself.
        error: what HDF5 raised.
        again: what to do about a damaged file.
    """
    if inside and (link := _link(node, inside)):
        return f"{where}: {inside} {link}"
    what = f"{where}: {inside}" if inside else where
    if not inside and (missing := missing_filters(node)):
        names = ", ".join(f"{number} ({FILTERS.get(number, name)})" for number, name in missing)
        plugin = all(number in FILTERS and number not in BUILT_IN for number, _ in missing)
        then = "install it: pip install hdf5plugin" if plugin else "install its plugin and set HDF5_PLUGIN_PATH"
        return f"{what} is packed with filter {names}, which this HDF5 lacks; {then}"
    if isinstance(error, MemoryError):
        return f"{what} does not fit into memory ({error})"
    return f"{what} is damaged or cannot be read ({plain(error)}); {again}"


def missing_filters(node: h5py.HLObject) -> list[tuple[int, str]]:
    """Return number and name of the filters that an array was packed with and that are not there."""
    if not isinstance(node, h5py.Dataset):
        return []
    try:
        plist = node.id.get_create_plist()
        used = [plist.get_filter(place) for place in range(plist.get_nfilters())]
        found = [(one[0], one[3].decode(errors="replace")) for one in used if not h5py.h5z.filter_avail(one[0])]
    except Exception:
        return []
    return found


def load_filters() -> bool:
    """Give HDF5 the filters of the package hdf5plugin; False where it is not installed or does not load."""
    try:
        importlib.import_module("hdf5plugin")
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def plain(error: Exception) -> str:
    """Return an error's words without those that every error of HDF5 begins with, in one short line."""
    said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    said = " ".join(PREAMBLE.sub(r"\5", said).split()) or type(error).__name__
    return said if len(said) <= LONGEST else said[:LONGEST] + "..."


def _link(node: h5py.HLObject, name: str) -> str:
    try:
        link = node.get(name, getlink=True)
    except Exception:
        return ""
    if isinstance(link, h5py.SoftLink):
        return f"is a link to {link.path}, which is not there; mend the link, or take a file that holds it"
    if isinstance(link, h5py.ExternalLink):
        return (
            f"is a link to {link.path} in the file {link.filename}, which is not there or cannot be read; "
            "put that file beside this one"
        )
    return ""
