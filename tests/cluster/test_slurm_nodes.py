import socket

import pytest

from raysp.cluster import slurm_nodes
from raysp.cluster.slurm_nodes import meeting_point, wait_for_nodes
from raysp.errors import BadInput, NotReady


def test_one_node_meets_on_loopback_with_two_free_ports():
    address, port, other = meeting_point(None)
    assert address == "127.0.0.1"
    assert port != other
    for number in (port, other):
        socket.create_server((address, number)).close()


def test_the_heads_address_is_the_one_it_speaks_to_the_other_node_from():
    assert meeting_point("127.0.0.1")[0] == "127.0.0.1"
    with pytest.raises(BadInput, match=r"node no\.such\.node\.invalid cannot be reached"):
        meeting_point("no.such.node.invalid")


def test_waiting_ends_when_the_last_node_has_come(monkeypatch):
    come = iter([0, 1, 1, 2])
    monkeypatch.setattr(slurm_nodes, "living", lambda: next(come))
    wait_for_nodes(2, 60, every_s=0)
    assert next(come, "all were counted") == "all were counted"


def test_too_few_nodes_are_told_of_with_their_number(monkeypatch):
    monkeypatch.setattr(slurm_nodes, "living", lambda: 3)
    with pytest.raises(NotReady, match=r"3 of 4 nodes joined Ray within 0\.1 s; no trial was started"):
        wait_for_nodes(4, 0.1, every_s=0.01)


def test_a_head_that_does_not_answer_has_no_nodes(monkeypatch, capfd):
    address, port, _ = meeting_point(None)
    monkeypatch.setenv("RAY_ADDRESS", f"{address}:{port}")
    assert slurm_nodes.living() == 0
    assert capfd.readouterr() == ("", "")


def test_a_head_that_does_not_come_is_missed_among_all_nodes_of_the_job(monkeypatch):
    monkeypatch.setattr(slurm_nodes, "living", lambda: 0)
    with pytest.raises(NotReady, match="0 of 4 nodes joined"):
        wait_for_nodes(1, 0.05, every_s=0.01, of=4)
