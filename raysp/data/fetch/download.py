"""Download recordings: resumable, one downloader per file, and no file under its name before its hash is right."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import filelock

from raysp.data.fetch.manifest import Asset, chosen
from raysp.data.fetch.verified import FileStatus, check, inspect, length, local_root, part_path, remember, status
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.refusals import raise_together

__all__ = ["FileStatus", "check", "fetch", "fetch_assets", "status"]

Report = Callable[[str, int, int], None]

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def fetch(names: Sequence[str], root: str, *, source: str | None = None, report: Report | None = None) -> list[str]:
    """Download the files of the named recordings to `<root>/<dandiset>/<subject>/<file>`.

    Files that are there and verified are left alone. An interrupted download leaves `<file>.part`, from which the
    next call goes on; the file gets its name once its length and SHA-256 are the pinned ones.

    Args:
        names: recordings, "test_answers", or "--all".
        root: the data root, a local folder; made when absent.
        source: address of a mirror, or a folder, that holds the files in the same layout; None asks the archive.
        report: told (file below the root, bytes so far, bytes of the whole file) as they come.

    Returns:
        The paths of all the files, in the order of the names.

    Raises:
        BadInput: a name is unknown; a stand-in or another file lies under a file's name; the address has no such file;
            the bytes that came have another hash.
        NotReady: the disk is or would be full, or the network failed for good; the same command goes on.
    """
    return fetch_assets(chosen(names), root, source=source, report=report)


def fetch_assets(
    assets: Sequence[Asset], root: str, *, source: str | None = None, report: Report | None = None
) -> list[str]:
    """Download files as `fetch` does; where one is refused, the others come all the same, then the refusals are raised.

    Args:
        assets: the files.
        root: see `fetch`, as are `source` and `report`.
    """
    folder, report, refused = local_root(root), report or _silent, []
    missing = [asset for asset in assets if not _complete(asset, folder)]
    _need_room(missing, folder)
    wanted = set(missing)
    for asset in assets:
        if asset not in wanted:
            _report_whole(asset, folder, report)
            continue
        try:
            _fetch_one(asset, folder, source, report)
        except BadInput as error:
            refused.append((asset.relative, error))
    raise_together(refused)
    return [asset.target(folder) for asset in assets]


def _silent(name: str, done: int, total: int) -> None:
    return None


def _report_whole(asset: Asset, root: str, report: Report) -> None:
    there = length(asset.target(root))
    report(asset.relative, there, there)


def _complete(asset: Asset, root: str) -> bool:
    """Tell whether a file is there and verified; refuse to go on where something else lies under its name."""
    found = inspect(asset, root, "unknown")
    if found.state == "standin":
        told = f"{found.path} is a stand-in that raysp generated, expected nothing there or the recording"
        raise BadInput(f"{told}; fetch to another --root, or remove the stand-in first")
    if found.state == "damaged":
        expected, got = f"{asset.size:,} bytes", f"{found.bytes:,} bytes"
        if found.bytes == asset.size or not asset.size:
            expected, got = f"sha256 {asset.sha256}", f"sha256 {files.sha256(found.path)}"
        told = f"{found.path} is not the archive's file: expected {expected}, got {got}"
        raise BadInput(f"{told}; move or remove it, then run the same command again")
    return found.state == "verified"


def _need_room(missing: list[Asset], root: str) -> None:
    needed = sum(max(asset.size - length(part_path(asset.target(root))), 0) for asset in missing)
    there = os.path.abspath(root)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    free = shutil.disk_usage(there).free
    if needed > free:
        told = f"the disk of {root} has too little room: {needed:,} more bytes expected to fit, {free:,} are free"
        raise NotReady(f"{told}; make room or give another --root, then run the same command again")


def _fetch_one(asset: Asset, root: str, source: str | None, report: Report) -> None:
    target = asset.target(root)
    part = part_path(target)
    with _writing(target, part), _alone(asset, target, report):
        if _complete(asset, root):
            _report_whole(asset, root, report)
            return
        _gather(_sized(asset, source), part, source, report)
        _accept(asset, part, target, source)


@contextlib.contextmanager
def _writing(target: str, part: str) -> Iterator[None]:
    """Make the file's folder, and turn the disk's errors into ones that say what to do."""
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        yield
    except PermissionError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}); give another --root") from error
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        told = f"the disk is full ({error.strerror}) after {length(part):,} bytes of {target}"
        raise NotReady(f"{told}; make room, then run the same command again: it goes on from there") from error


@contextlib.contextmanager
def _alone(asset: Asset, target: str, report: Report) -> Iterator[None]:
    """Hold the file's lock; while another process downloads it, report that one's progress."""
    folder, base = os.path.split(target)
    lock = filelock.FileLock(os.path.join(folder, f".{base}.lock"))
    while True:
        try:
            lock.acquire(timeout=1)
            break
        except filelock.Timeout:
            report(asset.relative, length(part_path(target)), asset.size)
    try:
        yield
    finally:
        lock.release()


def _gather(asset: Asset, part: str, source: str | None, report: Report) -> None:
    from raysp.data.fetch import transfer

    def progress(done: int) -> None:
        report(asset.relative, done, asset.size)

    if source is None or transfer.is_http(source):
        transfer.download(_addresses(asset, source), part, asset.size, progress)
    else:
        transfer.copy(files.join(source, asset.relative), part, asset.size, progress)


def _sized(asset: Asset, source: str | None) -> Asset:
    """Return a file with its size, which whoever gives it is asked for where nobody wrote it down."""
    from raysp.data.fetch import transfer

    if asset.size:
        return asset
    if source is None or transfer.is_http(source):
        return dataclasses.replace(asset, size=transfer.length_of(_addresses(asset, source)))
    return dataclasses.replace(asset, size=transfer.length_at(files.join(source, asset.relative)))


def _addresses(asset: Asset, source: str | None) -> Sequence[str]:
    return asset.addresses if source is None else [files.join(source, quote(asset.relative))]


def _accept(asset: Asset, part: str, target: str, source: str | None) -> None:
    """Give the part its final name if its hash is the pinned one, else remove it."""
    from raysp.data.fetch import transfer

    found = files.sha256(part)
    if found != asset.sha256:
        transfer.forget(part)
        raise BadInput(
            f"{target}: the bytes that came are not the archive's: expected sha256 {asset.sha256}, got {found}. They "
            f"were removed; run the same command again, or {'another' if source else 'a mirror with'} --source"
        )
    os.replace(part, target)
    transfer.forget(part, origin_alone=True)
    remember(asset, target)
