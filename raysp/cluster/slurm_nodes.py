"""What a Slurm job asks on its nodes while it starts: where Ray's head is to listen, and whether every node came."""

from __future__ import annotations

import os
import socket
import time

from raysp.errors import BadInput, NotReady


def meeting_point(peer: str | None) -> tuple[str, int, int]:
    """Return (address, port, another port), free on this machine, for Ray's head.

    Args:
        peer: another node's name or address. The head's address is the one this machine speaks to it from. None where
            there is no other node: loopback.

    Raises:
        BadInput: the peer cannot be reached.
    """
    address = "127.0.0.1"
    if peer is not None:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
                # Sends nothing: the system only looks up the route.
                asked.connect((peer, 9))
                address = asked.getsockname()[0]
        except OSError as error:
            raise BadInput(f"node {peer} cannot be reached from {socket.gethostname()}: {error}") from error
    with socket.create_server((address, 0)) as one, socket.create_server((address, 0)) as other:
        return address, one.getsockname()[1], other.getsockname()[1]


def wait_for_nodes(nodes: int, patience_s: float, every_s: float = 1.0, *, of: int | None = None) -> None:
    """Wait until the Ray cluster at RAY_ADDRESS has so many living nodes.

    Args:
        nodes: how many.
        patience_s: seconds after which the wait is given up.
        every_s: seconds between two counts.
        of: how many the job has; as many by default.

    Raises:
        NotReady: fewer came within `patience_s` seconds.
    """
    until = time.monotonic() + patience_s
    while (came := living()) < nodes:
        if time.monotonic() > until:
            raise NotReady(
                f"{came} of {of or nodes} nodes joined Ray within {patience_s:g} s; no trial was started and nothing "
                "is lost. What the nodes printed stands above; when it is mended, submit the same script again"
            )
        time.sleep(every_s)


def living() -> int:
    """Return how many living nodes the cluster at RAY_ADDRESS has; 0 while its head does not answer."""
    from ray.exceptions import RayError

    from raysp.cluster import joining

    try:
        return joining.living(os.environ["RAY_ADDRESS"])
    except (OSError, RayError):
        return 0
