"""The table of a packing measurement, and its advice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.driver.packing_table import Packing, advice, lines
from raysp.errors import BadInput


def row(processes, rate, *, threads=1, device="cpu", cores=8, **more):
    used = {"cores_used": float(min(processes * threads, cores)), **more}
    return Packing("sae on made_up", 500, device, cores, 0.25, processes, threads, (rate,) * processes, **used)


def dead(processes):
    return Packing("sae on made_up", 500, "cpu", 8, 0.25, processes, 1, problem="a process died: out of memory")


def test_the_table_reads_against_one_process():
    head, titles, one, four, last = lines([row(1, 10.0), row(4, 5.0, error=0.3, host_bytes=400_000_000)])
    assert head == "packing of sae on made_up, cpu, 8 cores, load average 0.25 at start"
    assert titles.split()[:2] == ["processes", "threads"]
    assert one.split() == ["1", "1", "10", "10", "0", "1.00", "1.00", "1.00", "0", "-", "72"]
    assert four.split() == ["4", "1", "5", "20", "0.3", "2.00", "0.50", "4.00", "400", "-", "144"]
    assert len({len(titles), len(one), len(four)}) == 1
    assert last.startswith("advice: 4 at a time (144 trials/h)")
    assert "--workers 4 --set resources.cpus_per_worker=1" in last


def test_without_one_process_there_is_no_speed_up():
    assert lines([row(4, 5.0)])[2].split()[5:7] == ["-", "-"]


def test_a_dead_row_says_why_and_is_never_advised():
    found = lines([row(1, 10.0), dead(8)])
    assert "a process died: out of memory" in found[3]
    assert "advice: 1 at a time" in found[-1]
    assert lines([dead(1)])[-1].startswith("no advice")


def test_the_fewest_processes_near_the_best_are_advised():
    assert "2 at a time" in advice([row(1, 10.0), row(2, 9.8), row(4, 4.95)])
    assert "4 at a time" in advice([row(1, 10.0), row(2, 9.0), row(4, 5.0)])


def test_more_threads_than_cores_are_not_advised_however_fast():
    assert "8 at a time" in advice([row(8, 1.0), row(16, 1.0)])
    assert "1 at a time" in advice([row(1, 1.0, threads=16), row(16, 1.0)])


@given(st.integers(1, 64))
def test_on_a_gpu_the_advice_is_a_share_that_resources_take(processes):
    from raysp.config.experiment import Resources

    output = advice([row(processes, 1.0, device="some GPU", cores=64)])
    share = float(output.partition("gpus_per_worker=")[2].split()[0])
    assert Resources(gpus_per_worker=share).gpus_per_worker == pytest.approx(1 / processes)
    assert "--workers" not in output


def test_a_busy_cpu_is_told_of():
    quiet, busy = row(2, 5.0), row(4, 5.0, cores_used=2.5)
    assert not any("quiet machine" in line for line in lines([quiet]))
    assert "4 x 1 (2.50 of 4)" in lines([quiet, busy])[-2]
    assert lines([quiet, busy])[-1].startswith("doubtful advice: ")
    assert lines([quiet])[-1].startswith("advice: ")
    assert not any("quiet machine" in line for line in lines([row(4, 5.0, cores_used=2.5, device="some GPU")]))


def test_no_rows_are_refused():
    with pytest.raises(BadInput, match="at least one row"):
        lines([])
