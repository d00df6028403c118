"""A cluster that is named but gone, or that never was one."""

import socket
import threading

import pytest
import ray

from raysp.cluster import joining
from raysp.cluster.session import session
from raysp.config.experiment import Resources
from raysp.errors import BadInput, NotReady


@pytest.fixture
def closed():
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


@pytest.mark.parametrize("given", ["", " ", "local"])
def test_no_address_is_a_session_of_our_own(monkeypatch, given):
    monkeypatch.setenv("RAY_ADDRESS", given)
    assert joining.address() is None


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        ("10.0.0.1:6379", "10.0.0.1", 6379),
        ("head.cluster-1:6379", "head.cluster-1", 6379),
        ("ray://head:10001", "head", 10001),
        ("[::1]:6379", "::1", 6379),
    ],
)
def test_addresses_are_read(given, host, port):
    assert joining.parsed(given) == (host, port)


@pytest.mark.parametrize(
    "given", ["head", "head:", ":6379", "head:port", "head:0", "head:70000", "http://head:80", "a b:1"]
)
def test_what_is_no_address_is_refused(monkeypatch, given):
    monkeypatch.setenv("RAY_ADDRESS", given)
    with (
        pytest.raises(BadInput, match=r"RAY_ADDRESS expected HOST:PORT or auto, got .*unset RAY_ADDRESS"),
        session(Resources()),
    ):
        pass


@pytest.mark.parametrize("kind", ["{}", "ray://{}"])
def test_a_cluster_that_is_gone_is_told_with_its_address(monkeypatch, closed, kind):
    monkeypatch.setattr(joining, "PATIENCE_S", 0.0)
    monkeypatch.setenv("RAY_ADDRESS", kind.format(closed))
    expected = f"RAY_ADDRESS={kind.format(closed)} .*{closed} does not answer.*unset RAY_ADDRESS"
    with pytest.raises(NotReady, match=expected), session(Resources()):
        pass


def test_a_head_that_comes_meanwhile_is_waited_for(monkeypatch, closed):
    host, port = joining.parsed(closed)
    monkeypatch.setattr(joining, "_silent", lambda place: None)
    servers = []
    timer = threading.Timer(0.3, lambda: servers.append(socket.create_server((host, port))))
    timer.start()
    assert joining.unheard(closed, 600.0) is None
    timer.join()
    servers[0].close()


def test_what_is_not_ray_is_told(monkeypatch):
    def refuse(place):
        raise ray.exceptions.RpcError("Timed out while waiting for GCS.\nmore")

    monkeypatch.setattr(joining, "living", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        message = joining.unheard(f"127.0.0.1:{server.getsockname()[1]}", 0.0)
    assert message == "what listens there does not answer as Ray: Timed out while waiting for GCS."


def test_a_cluster_without_living_nodes_is_told(monkeypatch):
    monkeypatch.setattr(joining, "living", lambda place: 0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert (
            joining.unheard(f"127.0.0.1:{server.getsockname()[1]}", 0.0) == "its head answers, but no node of it lives"
        )


def test_auto_without_a_cluster_and_a_token_that_is_refused_are_told_in_a_sentence(monkeypatch):
    def none():
        raise ConnectionError("Could not find any running Ray instance.\nmore")

    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.setattr(joining, "_running", none)
    expected = r"at RAY_ADDRESS=auto \(Could not find any running Ray instance.\); start one"
    with pytest.raises(NotReady, match=expected), session(Resources()):
        pass
