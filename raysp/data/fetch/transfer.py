"""Bytes from an address into a part file: going on where it stopped, tried again where that can help."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import fsspec
import requests

from raysp.data.fetch.verified import length
from raysp.errors import BadInput, NotReady
from raysp.io import files

BACK_OFF_S = (1.0, 2.0, 4.0, 8.0)
LONGEST_WAIT_S = 60.0
TIMEOUT_S = (10.0, 60.0)
PIECE = 1 << 16
PASSING = (408, 425, 429, 500, 502, 503, 504)

Progress = Callable[[int], None]


class _Refused(Exception):
    """The address will not give the file, however often it is asked."""


class _Failed(Exception):
    """The address may give the file when asked again, `wait_s` seconds later at the earliest."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def is_http(address: str) -> bool:
    """Tell whether an address is one of the web."""
    return address.startswith(("http://", "https://"))


def download(addresses: Sequence[str], part: str, size: int, progress: Progress) -> None:
    """Bring a part file to its full length from the first web address that gives it.

    Bytes that are there already are kept, and the rest is asked for with an HTTP range request (RFC 9110, section
    14); a server that ignores it is read from the start. Failures that pass (5xx, time-outs, broken connections) are
    tried again with growing pauses, counted anew whenever the part has grown.

    Args:
        addresses: tried in turn.
        part: path of the part file.
        size: bytes of the whole file.
        progress: told the bytes there so far.

    Raises:
        BadInput: no address has the file (403, 404, another length).
        NotReady: the failures did not pass; the part is kept.
        OSError: the part cannot be written; what was written is kept.
    """
    left, refusals = list(addresses), list[str]()
    failures, longest, turn = 0, length(part), 0
    while left:
        address = left[turn % len(left)]
        try:
            return _attempt(address, part, size, progress)
        except _Refused as error:
            left.remove(address)
            refusals.append(str(error))
        except _Failed as error:
            now = length(part)
            failures = 1 if now > longest else failures + 1
            longest, turn = max(longest, now), turn + 1
            if failures > len(BACK_OFF_S):
                raise NotReady(_gave_up(refusals, str(error), now, size)) from error
            time.sleep(max(BACK_OFF_S[failures - 1], error.wait_s))
    raise BadInput("; ".join(refusals) + "; if a mirror has it, name it with --source")


def length_of(addresses: Sequence[str]) -> int:
    """Return how many bytes a file has, as the first web address says that gives it.

    Raises:
        BadInput: no address has the file, or says its length.
        NotReady: the failures did not pass.
    """
    refusals = []
    for address in addresses:
        try:
            return _ask_length(address, list(BACK_OFF_S))
        except _Refused as error:
            refusals.append(str(error))
    raise BadInput("; ".join(refusals))


def _ask_length(address: str, pauses: list[float]) -> int:
    try:
        headers = {"Accept-Encoding": "identity"}
        with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            status, said = response.status_code, response.headers.get("Content-Length", "")
        reason = f"HTTP {status}"
    except requests.RequestException as error:
        status, said, reason = PASSING[0], "", _reason(error)
    if status in PASSING:
        if not pauses:
            raise NotReady(f"{address}: {reason}; gave up after {len(BACK_OFF_S) + 1} attempts; try again later")
        time.sleep(pauses[0])
        return _ask_length(address, pauses[1:])
    if status != 200 or not said.isdigit() or int(said) < 1:
        raise _Refused(f"{address} expected a file of a known length, got {reason} and length {said or 'unknown'}")
    return int(said)


def _gave_up(refusals: list[str], last: str, now: int, size: int) -> str:
    tried = f"gave up after {len(BACK_OFF_S) + 1} attempts with {now:,} of {size:,} bytes"
    then = "The same command goes on from there; a mirror or a local folder can be named with --source"
    return f"{'; '.join([*refusals, last, tried])}. {then}"


def _attempt(address: str, part: str, size: int, progress: Progress) -> None:
    have = length(part)
    if have > size:
        os.remove(part)
        have = 0
    if have == size:
        return
    try:
        with (
            requests.Session() as session,
            session.get(address, headers=_headers(address, part, have), stream=True, timeout=TIMEOUT_S) as response,
        ):
            start = _start(response, address, part, have, size)
            if start == 0:
                files.write_json(_origin(part), {"address": address, "etag": response.headers.get("ETag", "")})
            _append(part, start, size, response.iter_content(PIECE), progress, address)
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
        raise _Refused(f"{address} is no web address ({error})") from error
    except (requests.RequestException, ConnectionError, TimeoutError) as error:
        raise _Failed(f"{address}: {_reason(error)}") from error
    if length(part) < size:
        raise _Failed(f"{address}: the connection ended early")


def _reason(error: BaseException) -> str:
    """Return the innermost of the errors that requests wraps; the caller names the address."""
    inner = (getattr(error, "reason", None), error.__cause__, *error.args[:1])
    deeper = next((one for one in inner if isinstance(one, BaseException)), None)
    return _reason(deeper) if deeper else f"{type(error).__name__}: {str(error)[:200]}"


def _headers(address: str, part: str, have: int) -> dict[str, str]:
    # Compressed answers would make ranges and lengths count other bytes than the file's.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if etag := _etag(address, part):
            headers["If-Range"] = etag
    return headers


def _etag(address: str, part: str) -> str:
    """Return the strong ETag the part began with, where it came from this address; mirrors have ETags of their own."""
    try:
        origin = files.read_object(_origin(part))
    except (BadInput, FileNotFoundError):
        return ""
    etag = str(origin.get("etag", "")) if origin.get("address") == address else ""
    return "" if etag.startswith("W/") else etag


def _start(response: requests.Response, address: str, part: str, have: int, size: int) -> int:
    """Return the byte the answer begins at; raise where it is no answer, or one about another file."""
    code = response.status_code
    if code in PASSING:
        raise _Failed(f"{address} answered {code} {response.reason}", _retry_after(response))
    if code == 416:
        os.remove(part)
        raise _Failed(f"{address} answered 416: it has no bytes after the first {have:,}; starting over")
    if code not in (200, 206):
        raise _Refused(f"{address} answered {code} {response.reason}")
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if code == 206 and (found is None or int(found[1]) != have):
        os.remove(part)
        raise _Failed(f"{address} answered with another range than bytes {have:,} on; starting over")
    total = found[2] if code == 206 and found else response.headers.get("Content-Length", "*")
    if total.isdigit() and int(total) != size and "Content-Encoding" not in response.headers:
        raise _Refused(f"{address} holds another file: expected {size:,} bytes, got {int(total):,}")
    return have if code == 206 else 0


def _retry_after(response: requests.Response) -> float:
    wished = response.headers.get("Retry-After", "")
    return min(float(wished), LONGEST_WAIT_S) if wished.isdigit() else 0.0


def _append(part: str, start: int, size: int, pieces: Iterable[bytes], progress: Progress, address: str) -> None:
    done = start
    progress(done)
    with open(part, "ab" if start else "wb") as file:
        for piece in pieces:
            if done + len(piece) > size:
                break
            file.write(piece)
            file.flush()
            done += len(piece)
            progress(done)
        else:
            os.fsync(file.fileno())
            return
    forget(part)
    raise _Refused(f"{address} holds another file: expected {size:,} bytes, got more")


def copy(address: str, part: str, size: int, progress: Progress) -> None:
    """Copy a file from a folder, a file:// address, or another store that fsspec knows, into a part file.

    Raises:
        BadInput: the file is not there, or is longer.
        NotReady: the file ends early.
        OSError: the part cannot be written.
    """
    with _opened(address) as source:
        try:
            _append(part, 0, size, iter(lambda: source.read(PIECE), b""), progress, address)
        except _Refused as error:
            raise BadInput(f"{error}; check --source") from error
    if length(part) < size:
        got = length(part)
        forget(part)
        raise NotReady(f"{address} ends early: expected {size:,} bytes, got {got:,}; is it being copied?")


def length_at(address: str) -> int:
    """Return how many bytes a file has of a folder, or a store that fsspec knows. Raises BadInput as `copy` does."""
    with _opened(address) as source:
        return source.seek(0, os.SEEK_END)


def _opened(address: str) -> BinaryIO:
    try:
        return fsspec.open(address, "rb").open()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"{address} is not there; check --source, or leave it out to ask the archive") from error
    except (ImportError, ValueError) as error:
        raise BadInput(f"--source: {address} cannot be opened ({error})") from error


def forget(part: str, *, origin_alone: bool = False) -> None:
    """Remove a part file and the note of where it came from; the note alone, once the part is the file."""
    for path in (_origin(part),) if origin_alone else (part, _origin(part)):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _origin(part: str) -> str:
    return f"{part}.json"
