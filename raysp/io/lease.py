"""A lock where no system frees it: a small file in a store that its holder keeps renewing, and that others may take."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from raysp.errors import BadInput, StoreError
from raysp.io import storage

SETTLE_S = 2.0


def stale_s() -> float:
    """Return after how many seconds without renewal a lease may be taken; it is renewed six times as often."""
    return float(os.environ.get("RAYSP_LEASE_S", "60"))


@contextlib.contextmanager
def held(path: str, holder: str) -> Iterator[None]:
    """Hold the lease at an address for the block.

    Where another one is found there, it is watched: one that is renewed meanwhile is somebody's; one that is not
    renewed for `stale_s` was left by a driver that was killed, and is taken. No two machines' clocks are compared.

    Args:
        path: the lease's address.
        holder: who holds it, in words for the next who asks.

    Raises:
        BadInput: another process holds it; or took it since, when this one did not renew it in time.
        StoreError: the store refuses or does not answer.
    """
    lease = Lease(path, holder)
    lease.acquire()
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(lease, over), daemon=True)
    thread.start()
    try:
        with _interruptible():
            yield
    except KeyboardInterrupt:
        if lease.lost is None:
            raise
        raise BadInput(f"{path} was taken by {lease.lost}, so this command stops; what is finished is kept") from None
    finally:
        over.set()
        thread.join()
        # What cannot be removed now is taken over later, like the lease of a killed driver.
        with contextlib.suppress(StoreError):
            lease.release()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGINT end the block also where a shell that started this process in the background had it ignored."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _renew(lease: Lease, over: threading.Event) -> None:
    while not over.wait(stale_s() / 6):
        # A store that does not answer is asked again next time: if nobody could take the lease, it is still ours.
        with contextlib.suppress(StoreError):
            lease.renew()
        if lease.lost is not None and not over.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return


@dataclass(frozen=True)
class _Found:
    owner: str
    holder: str
    mark: str
    tag: str | None


class Lease:
    """The lease of one process.

    Args:
        path: its address.
        holder: who holds it, in words.
    """

    def __init__(self, path: str, holder: str) -> None:
        self._path, self._holder, self._owner = path, holder, uuid.uuid4().hex
        self._renewals = 0
        self.lost: str | None = None

    def acquire(self) -> None:
        """Take the lease, waiting only while it may have been left behind. Raises BadInput when it is held."""
        seen, since = None, 0.0
        while True:
            found = self._found()
            if found is None:
                if self._created():
                    return
                continue
            if found.owner == self._owner:
                return
            if seen is None:
                seen, since = found.mark, time.monotonic()
            if found.mark != seen:
                raise BadInput(
                    f"{os.path.dirname(self._path)} is being run by {found.holder}; wait for it, stop it, or give "
                    "this run another name"
                )
            if time.monotonic() - since > stale_s() and self._replaced(found):
                return
            time.sleep(stale_s() / 24)

    def renew(self) -> None:
        """Show that the holder is alive; `lost` says who took the lease, where somebody did."""
        found = self._found()
        if found is None and self._created():
            return
        if found is None or found.owner != self._owner or not self._replaced(found):
            now = self._found()
            if now is None or now.owner != self._owner:
                self.lost = "nobody who is known" if now is None else now.holder

    def release(self) -> None:
        """Remove the lease, if it is still this process's."""
        found = self._found()
        if found is not None and found.owner == self._owner:
            fs, name = storage.filesystem(self._path)
            with storage.translated(self._path):
                fs.rm_file(name)

    def _found(self) -> _Found | None:
        fs, name = storage.filesystem(self._path)
        with storage.translated(self._path):
            try:
                # The tag first: what is read afterwards may be newer, and then nothing is replaced.
                tag = fs.info(name).get("ETag")
                mark = fs.cat_file(name).decode(errors="replace")
            except FileNotFoundError:
                return None
        try:
            values = json.loads(mark)
            return _Found(values["owner"], values["holder"], mark, tag)
        except (ValueError, LookupError, TypeError):
            return _Found("", "another process", mark, tag)

    def _content(self) -> bytes:
        self._renewals += 1
        values = {"owner": self._owner, "holder": self._holder, "renewals": self._renewals}
        return json.dumps({**values, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z")}).encode()

    def _created(self) -> bool:
        """Write the lease if there is none."""
        if not self._put(mode="create"):
            # A request whose answer was lost is repeated, and then finds what it wrote itself.
            return self._is_mine()
        if not self._put(mode="create"):
            return True
        # This store does not mind conditions: whoever wrote last has the lease, once all have written.
        time.sleep(SETTLE_S)
        return self._is_mine()

    def _replaced(self, found: _Found) -> bool:
        """Write the lease in place of one that was found, unless it has changed since."""
        fs, _ = storage.filesystem(self._path)
        if found.tag is not None and "s3" in fs.protocol:
            return self._put(IfMatch=found.tag) or self._is_mine()
        self._put()
        if found.owner != self._owner:
            time.sleep(SETTLE_S)
        return self._is_mine()

    def _put(self, **condition: str) -> bool:
        """Write the lease; False where a condition does not hold."""
        fs, name = storage.filesystem(self._path)
        try:
            with storage.translated(self._path):
                fs.pipe_file(name, self._content(), **condition)
        except FileExistsError:
            return False
        except StoreError as error:
            if condition and _refused(error):
                return False
            raise
        return True

    def _is_mine(self) -> bool:
        found = self._found()
        return found is not None and found.owner == self._owner


def _refused(error: BaseException | None) -> bool:
    """Tell whether a store says that a condition does not hold, or that another request was first."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict) and response.get("Error", {}).get("Code") in REFUSALS:
            return True
        error = error.__cause__
    return False


REFUSALS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
