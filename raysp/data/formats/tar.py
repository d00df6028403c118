"""Files of a tar archive, read whole and under guard: nothing is unpacked to disk, and no damage goes unnoticed."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

from raysp.data.formats import file_kind
from raysp.errors import BadInput, StoreError, present
from raysp.io import files, storage

LARGEST_BYTES = 1 << 31
PACKERS: dict[bytes, Literal["r:gz", "r:bz2", "r:xz"]] = {b"\x1f\x8b": "r:gz", b"BZ": "r:bz2", b"\xfd7": "r:xz"}
CHUNK = 1 << 20


def tar_members(path: str, names: Sequence[str]) -> dict[str, bytes]:
    """Return the content of the files in an archive that have these base names, of those that are there.

    Args:
        path: of the archive, plain or packed by gzip, bzip2 or xz.
        names: base names.

    Raises:
        BadInput: there is no archive, it is cut off or damaged, it holds links or paths that leave it, a file that is
            too large, or two files of one of these names.
    """
    where = os.path.basename(path)
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"no archive: {path} {problem}")
    try:
        with files.opened(path, parts=True) as raw:
            packer = raw.read(2)
            raw.seek(0)
            # Unlike "r:*" this says what is wrong with the one form that the file has.
            with tarfile.open(fileobj=raw, mode=PACKERS.get(packer, "r:")) as archive:
                found = _chosen(archive, names, where)
                _check_end(archive, where)
    except (BadInput, StoreError):
        raise
    except Exception as error:
        if not files.is_local(path) and storage.is_from_store(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{where} is cut off, damaged or no tar archive ({reason}); fetch it again") from error
    return found


def _chosen(archive: tarfile.TarFile, names: Sequence[str], where: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for member in archive:
        _check_member(member, where)
        base = PurePosixPath(member.name).name
        if base in names and member.isfile():
            if base in found:
                raise BadInput(f"{where}: expected one file {base}, got several; unpack the folder you mean")
            found[base] = present(archive.extractfile(member)).read()
    return found


def _check_member(member: tarfile.TarInfo, where: str) -> None:
    inside = PurePosixPath(member.name)
    if not (member.isfile() or member.isdir()) or inside.is_absolute() or ".." in inside.parts:
        raise BadInput(f"{where}: expected files and folders inside the archive only, got {member.name!r}; not opened")
    if member.size > LARGEST_BYTES:
        most = f"expected files of at most {LARGEST_BYTES:,} bytes"
        raise BadInput(f"{where}: {most}, {member.name!r} has {member.size:,}")


def _check_end(archive: tarfile.TarFile, where: str) -> None:
    """Read to the end, where a packed file's checksum is compared.

    Python takes a damaged member for the end of the archive; a true end is zeros.
    """
    file, offset = archive.fileobj, archive.offset
    file.seek(offset)
    empty = True
    while chunk := file.read(CHUNK):
        if chunk.strip(b"\0"):
            told = f"a file in it cannot be read, {offset:,} bytes after its begin"
            raise BadInput(f"{where} is damaged: {told}; fetch it again")
        empty = False
    if empty:
        raise BadInput(f"{where} is cut off after {offset:,} bytes, unpacked; fetch it again")
