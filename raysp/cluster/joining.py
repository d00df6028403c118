"""Joining a cluster at RAY_ADDRESS: Ray itself would wait for one that is gone, for minutes and without a word."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from raysp.errors import BadInput, NotReady
from raysp.io.address import masked

# As Ray's own GcsNodeState has it.
ALIVE = 0
PATIENCE_S = 10.0
"""For a head that is just being started again; one that takes the call but does not speak Ray costs 40 s more."""
CONNECT_S = 5.0
ADDRESS = re.compile(r"(?:ray://)?(?P<host>[\w.-]+|\[[0-9a-fA-F:.%]+\]):(?P<port>\d{1,5})(?:/.*)?", re.ASCII)
INSTEAD = "start one (ray up cluster.yaml), or `unset RAY_ADDRESS` for a session of this machine's own"


def address() -> str | None:
    """Return the address of the cluster this process is to join, None for a session of its own."""
    given = os.environ.get("RAY_ADDRESS", "").strip()
    return None if given in ("", "local") else given


def join(**options: Any) -> None:
    """Join the cluster at RAY_ADDRESS, with options of `ray.init`.

    Raises:
        BadInput: it is no address.
        NotReady: nothing answers there, or it does not let this command in.
    """
    import ray

    given = address() or ""
    try:
        place = given if given != "auto" else _running()
        if (reason := unheard(place, PATIENCE_S)) is not None:
            raise ConnectionError(reason)
        ray.init(address=given, **options)
    except (OSError, ray.exceptions.RayError) as error:
        first = masked((str(error) or type(error).__name__).splitlines()[0])
        raise NotReady(
            f"no Ray cluster lets this command in at RAY_ADDRESS={masked(given)} ({first}); {INSTEAD}"
        ) from error


def parsed(given: str) -> tuple[str, int]:
    """Return (host, port) of an address.

    Raises:
        BadInput: it is none.
    """
    found = ADDRESS.fullmatch(given)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise BadInput(f"RAY_ADDRESS expected HOST:PORT or auto, got {masked(given)!r}; correct it, or {INSTEAD}")
    return found["host"].strip("[]"), int(found["port"])


def unheard(place: str, patience_s: float) -> str | None:
    """Return why no cluster is heard at an address; None when one answers.

    Args:
        place: HOST:PORT, or ray://HOST:PORT, of which only the port is tried.
        patience_s: how long it is tried again while nothing listens there.
    """
    host, port = parsed(place)
    until = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection((host, port), timeout=CONNECT_S).close()
            break
        except OSError as error:
            if time.monotonic() > until or isinstance(error, socket.gaierror):
                return f"{host}:{port} does not answer: {error}"
        time.sleep(0.5)
    return None if place.startswith("ray://") else _silent(place)


def living(place: str) -> int:
    """Return how many living nodes the cluster at an address has. Raises OSError or RayError where none answers."""
    # Not ray.nodes(): that needs a driver, which waits and complains by itself while the head is not yet there.
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # Compiled: its names are not seen.

    # Ray's client prints warnings of its own where nothing listens.
    socket.create_connection(parsed(place), timeout=CONNECT_S).close()
    found = GcsClient(address=place).get_all_node_info(timeout=CONNECT_S)
    return sum(node.state == ALIVE for node in found.values())


def _silent(place: str) -> str | None:
    from ray.exceptions import AuthenticationError, RayError

    try:
        with _unheard_warnings():
            return None if living(place) else "its head answers, but no node of it lives"
    except AuthenticationError:
        # What joining says of that is better.
        return None
    except (OSError, RayError) as error:
        return f"what listens there does not answer as Ray: {str(error).splitlines()[0]}"


def _running() -> str:
    """Return the address of the cluster that runs on this machine. Raises ConnectionError when there is none."""
    from ray._private import services

    return str(services.canonicalize_bootstrap_address("auto"))


@contextlib.contextmanager
def _unheard_warnings() -> Iterator[None]:
    """Keep what Ray's own code writes to standard error, past Python, from a person."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
