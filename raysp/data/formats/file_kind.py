"""What a path holds that was meant to be an HDF5 file: told by its first bytes, in words, with what to do next."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Sequence

import h5py

from raysp.data.formats import folder_lists
from raysp.errors import BadInput
from raysp.io import files, storage
from raysp.io.nearest import near

HDF5 = b"\x89HDF\r\n\x1a\n"
USER_BLOCKS = (0, 512, 1024, 2048, 4096)
"""Where an HDF5 file may begin: MATLAB puts 512 bytes of its own in front."""
HEAD_BYTES = 8192
EXPORT = "export its spike times to NWB (neuroconv does) or its counts to HDF5 or NPZ"
ARRAYS = "save its arrays as HDF5 or NPZ"
SPIKE2_TEXT = "a text export of Spike2"
SORTINGS = {"numpysorting_info.json", "si_folder.json", "spikeinterface_info.json", "spikeinterface_sorting.json"}
"""What lies in a folder of SpikeInterface, which has its own numbers of units."""
SUITE2P = {"spks.npy", "iscell.npy"}
"""What lies in a folder of suite2p."""
SIGNATURES: tuple[tuple[str, str, int, tuple[bytes, ...]], ...] = (
    (
        "a MATLAB file of version 5 to 7",
        "for counts in it give counts=NAME; spikes in its structs and cells are read by source matlab_spikes",
        0,
        (b"MATLAB 5.0 MAT-file",),
    ),
    (
        "a single numpy array (.npy)",
        "save counts as NPZ: np.savez(path, counts=...); spike times with their units beside them are read by source "
        "spike_tables",
        0,
        (b"\x93NUMPY",),
    ),
    ("a tar archive", "unpack it first: tar xf", 257, (b"ustar",)),
    ("packed by bzip2", "unpack it first: bunzip2", 0, (b"BZh",)),
    ("packed by xz", "unpack it first: unxz", 0, (b"\xfd7zXZ\0",)),
    ("packed by zstd", "unpack it first: unzstd", 0, (b"\x28\xb5\x2f\xfd",)),
    ("a 7z archive", "unpack it first: 7z x", 0, (b"7z\xbc\xaf\x27\x1c",)),
    ("a RAR archive", "unpack it first", 0, (b"Rar!\x1a\x07",)),
    ("a netCDF 3 file", ARRAYS, 0, (b"CDF\x01", b"CDF\x02", b"CDF\x05")),
    ("an HDF4 file", "convert it to HDF5: h4toh5", 0, (b"\x0e\x03\x13\x01",)),
    ("a Parquet file", ARRAYS, 0, (b"PAR1",)),
    ("an Arrow or Feather file", ARRAYS, 0, (b"ARROW1",)),
    ("a Feather file", ARRAYS, 0, (b"FEA1",)),
    ("an SQLite database", ARRAYS, 0, (b"SQLite format 3\0",)),
    ("a file of R (RData)", ARRAYS, 0, (b"RDX2\n", b"RDX3\n")),
    ("a file of R (RDS)", ARRAYS, 0, (b"X\n\0\0\0", b"A\n2\n", b"A\n3\n")),
    ("an old Office document", ARRAYS, 0, (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)),
    ("a PDF document", "check the path", 0, (b"%PDF",)),
    ("a picture (PNG)", "check the path", 0, (b"\x89PNG",)),
    ("a Blackrock recording", EXPORT, 0, (b"NEURALEV", b"NEURALSG", b"NEURALCD", b"BREVENTS")),
    ("a Neuralynx recording", EXPORT, 0, (b"######## Neuralynx",)),
    ("a Plexon recording", EXPORT, 0, (b"XELP", b"PLEX", b"PL2 ", b"\x01PL2")),
    ("a NeuroExplorer file", f"save its neurons as .mat in NeuroExplorer, or {EXPORT}", 0, (b"NEX1", b"NEX5")),
    ("a Spike2 recording of CED", f"export its WaveMarks as .mat in Spike2, or {EXPORT}", 2, (b"(C) CED 87",)),
    ("a Spike2 recording of CED", f"export its WaveMarks as .mat in Spike2, or {EXPORT}", 0, (b"S64",)),
    (
        SPIKE2_TEXT,
        "export its channels as .mat in Spike2, or save a table with columns unit and time",
        0,
        (b'"INFORMATION"',),
    ),
    (
        "a cluster of MClust",
        "load it in MATLAB with MClust's LoadSpikes, and save the times (s) of all clusters as a cell array: "
        "save('spikes.mat', 'spikes')",
        0,
        (b"%%BEGINHEADER",),
    ),
    ("a recording of Axona (DacqUSB)", EXPORT, 0, (b"trial_date ",)),
    ("a recording of Open Ephys", EXPORT, 0, (b"header.format = 'Open Ephys",)),
    ("an Axon recording (ABF)", EXPORT, 0, (b"ABF ", b"ABF2")),
    ("an Intan recording (RHD)", EXPORT, 0, (b"\xc6\x91\x27\x02", b"\x02\x27\x91\xc6")),
)
"""What it is, what to do next, and the bytes that tell it, from which byte on."""
RECORDINGS = (
    ".nwb", ".mat", ".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".pqt", ".npz", ".npy", ".h5", ".hdf5", ".json"
)  # fmt: skip
OF_SPIKES = re.compile(r"spike|spk|unit|sort|clu", re.IGNORECASE)
"""Names of files that hold spikes."""
TEXT = "is plain text"
UNKNOWN = "is not HDF5, and of no format known here"
IS_JSON = "is JSON"
JSON = "save its spikes as a table: pandas.read_json(path).to_csv('spikes.csv', index=False), columns unit and time"
POINTER = "fetch the file itself"
HTML = "download the file itself, not the page that links to it"


def check(path: str, again: str = "fetch it again") -> None:
    """Refuse a path that holds something else than an HDF5 file.

    Raises:
        BadInput: there is nothing, a folder, a device, a file that may not be read, an empty one, or one whose first
            bytes are another format's; the sentence says which, and what to do next: `again` where it is damaged.
    """
    if (found := other(path, again)) is not None:
        raise BadInput(f"{path} {found}")


def other(path: str, again: str = "fetch it again") -> str | None:
    """Return what a path holds that is no HDF5 file, as the rest of a sentence; None for one that begins as HDF5.

    Raises:
        StoreError: a store does not tell.
    """
    if (found := no_file(path)) is not None:
        return found
    try:
        with files.opened(path, parts=True) as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"cannot be read ({error.strerror or error}); check who may read it"
    if any(head[start : start + len(HDF5)] == HDF5 for start in USER_BLOCKS):
        return None
    if files.is_local(path) and h5py.is_hdf5(storage.filesystem(path)[1]):
        return None
    return _other_bytes(path, head, again)


def is_text(found: str | None) -> bool:
    """Tell whether `other` found text."""
    return found is not None and found.startswith(TEXT)


def no_file(path: str) -> str | None:
    """Return what is wrong with a path that no file can be read from, as the rest of a sentence; None for a file."""
    if not files.is_local(path):
        if files.is_web(path) and (refused := storage.refusal(path)):
            return f"{refused}, and give its path"
        return None if files.exists(path) else "gives no file; check the address, or download it and give its path"
    path = storage.filesystem(path)[1] if "://" in str(path) else str(path)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return _dangling(path) if os.path.islink(path) else f"is not there; {near(path) or 'check the path'}"
    except (OSError, ValueError) as error:
        return f"cannot be read ({error}); check the path"
    if stat.S_ISDIR(mode):
        return _folder(path)
    return None if stat.S_ISREG(mode) else "is no regular file but a device, pipe or socket; give a file"


def _dangling(path: str) -> str:
    target = os.readlink(path)
    if "annex/objects" in target:
        return f"is a link of git-annex whose content is not on this machine; {POINTER}: datalad get {path}"
    return f"is a link to {target}, which is not there; {POINTER}, or mend the link"


def _folder(path: str) -> str:
    try:
        inside = sorted(os.listdir(path))
    except OSError as error:
        return f"is a folder that cannot be listed ({error.strerror}); give a file in it"
    if {".zgroup", ".zarray", ".zattrs", ".zmetadata", "zarr.json"} & set(inside):
        return f"is a folder of Zarr, not an HDF5 file; {_unzarr('export it')}"
    if vectors := [name for name in folder_lists.SORTED if name in inside]:
        return f"is a folder of sorted spikes; give {os.path.join(path, vectors[0])}, what lies beside it is read, too"
    if not SORTINGS.isdisjoint(inside):
        told = "is a folder of SpikeInterface; save its sorting as one file"
        return f"{told}: NpzSortingExtractor.write_sorting(sorting, 'sorting.npz')"
    if set(inside) >= SUITE2P:
        told = (
            "is a folder of suite2p, whose traces and deconvolved events are no counts of spikes; to model events, save"
        )
        return f"{told} whole numbers of them, (frames, cells): np.savez('events.npz', counts=..., bin_ms=1000 / fs)"
    if "structure.oebin" in inside:
        return "is a recording of Open Ephys, whose spikes are yet to be sorted; give the folder or file of the sorter"
    return f"is a folder {_what_lies(path, inside)}"


def _what_lies(folder: str, inside: Sequence[str]) -> str:
    """Return what a folder's files are, in brackets, and which of them to give."""
    able = [one for one in inside if one.lower().endswith(RECORDINGS) and os.path.isfile(os.path.join(folder, one))]
    if lists := folder_lists.paths(folder):
        names = ", ".join(map(os.path.basename, lists[:2]))
        return (
            f"with {len(lists)} files of numbers alone ({names}, ...), of a unit each? Source spike_tables reads them: "
            f"raysp data look {folder}, or in a notebook raysp.load_split({folder!r}, source='spike_tables', time='*')"
        )
    first = os.path.join(folder, inside[0]) if inside else folder
    if not able and os.path.isfile(first) and (found := other(first)) is not None and not found.startswith(UNKNOWN):
        return f"({', '.join(inside[:3])}); {inside[0]} {found}"
    # What says how spikes lie is not what holds them.
    named = sorted(able, key=lambda one: (one.endswith(".json"), not OF_SPIKES.search(one))) or inside
    few = ", ".join(named[:3]) + (", ..." if len(named) > 3 else "")
    told = f"; give a file in it{f': {os.path.join(folder, named[0])}' if able else ''}"
    return f"({few or 'empty'}){told}"


def _unzarr(verb: str) -> str:
    return f"{verb} to HDF5 first (pynwb with hdmf_zarr: NWBHDF5IO(...).export(...)), or take the archive's HDF5 file"


def _other_bytes(path: str, head: bytes, again: str) -> str:
    if not head:
        return f"is empty (0 bytes); {again}"
    if HDF5.startswith(head):
        return f"is cut off after {len(head)} bytes; {again}"
    for what, then, start, marks in SIGNATURES:
        if head.startswith(marks, start):
            return f"is {what}, not HDF5; {then}"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip(path, again)
    if head.startswith(b"\x1f\x8b"):
        return _gzip(head)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return f"is a Python pickle, not HDF5; {ARRAYS}: pickles are not opened, since they run code"
    if not head.strip(b"\0"):
        return f"begins with {len(head)} bytes of zeros: a download that was never filled; {again}"
    if (text := _text(head, again)) is not None:
        return text
    if path.lower().endswith(".mat"):
        return "is no file of MATLAB 5 to 7.3: of an older one, load it in MATLAB, and save it anew: save(name, '-v7')"
    return f"{UNKNOWN}; check the path, or {again}"


def _zip(path: str, again: str) -> str:
    names: list[str] = []
    try:
        with files.opened(path, parts=True) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return f"is a zip archive that is cut off or damaged; {again}"
    if any(name.rstrip("/").endswith((".zgroup", ".zattrs", "zarr.json")) for name in names):
        return f"is a zipped folder of Zarr, not HDF5; {_unzarr('unpack it and export it')}"
    if any(name.startswith(("xl/", "word/")) for name in names):
        return "is an Office document, not HDF5; save its sheet as CSV"
    if names and all(name.endswith(".npy") for name in names):
        return "is a file of numpy arrays (NPZ), not HDF5; give counts=NAME for an array of counts in it"
    return "is a zip archive, not HDF5; unpack it first" if names else "is an archive without anything in it"


def _gzip(head: bytes) -> str:
    try:
        inside = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except zlib.error:
        inside = b""
    if inside.startswith((b"RDX2\n", b"RDX3\n", b"X\n\0\0\0", b"A\n")):
        return f"is a file of R (RDS or RData), not HDF5; {ARRAYS}"
    if inside[257:262] == b"ustar":
        return "is a tar archive packed by gzip; unpack it first: tar xzf"
    return "is packed by gzip; unpack it first: gunzip"


def _text(head: bytes, again: str) -> str | None:
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return None
    if any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text):
        return None
    text = text.strip()
    lower, first = text[:200].lower(), text.partition("\n")[0][:40].strip()
    if "/annex/objects/" in text[:300]:
        return f"is a pointer of git-annex, not the file's content; {POINTER}: datalad get or git annex get"
    if text.startswith("version https://git-lfs"):
        return f"is a pointer of Git LFS, not the file's content; {POINTER}: git lfs pull"
    if lower.startswith(("<!doctype html", "<html")):
        return f"is a web page (HTML), not HDF5; {HTML}, and check that you are signed in"
    if lower.startswith("<?xml") or (lower.startswith("<") and lower.endswith(">")):
        return f"is XML, as a server answers that refuses a file, not HDF5; {HTML}"
    if text[:1] in ("{", "["):
        if '"refs"' in text or '"templates"' in text:
            return f"is a LINDI or Kerchunk index (JSON), not the data themselves; {POINTER} from the archive"
        return f"{IS_JSON}, not HDF5; {JSON}"
    if "Traceback" in text[:200] or lower.startswith(("error", "not found", "access denied", "404", "403")):
        return f"is the text of an error ({first!r}), not HDF5; {again}"
    return f"{TEXT} that begins {first!r}, not HDF5; check the path, or {ARRAYS}"
