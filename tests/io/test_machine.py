"""What this process may use, told from files and variables as the kernel and Slurm write them."""

import os
import platform
import resource
import subprocess
import sys

import psutil
import pytest

from raysp.io import machine

THERE = os.cpu_count()
PHYSICAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def made(tmp_path, group, **files):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(group)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(tmp_path)


CORES = {
    "version 2, in a container": ("0::/\n", {"cpu.max": "150000 100000\n"}),
    "version 2, of a group above": ("0::/a/b\n", {"a__cpu.max": "100000 100000\n", "a__b__cpu.max": "max 100000\n"}),
    "version 1": (
        "4:memory:/x\n1:cpu,cpuacct:/x\n",
        {"cpu,cpuacct__x__cpu.cfs_quota_us": "50000\n", "cpu,cpuacct__x__cpu.cfs_period_us": "100000\n"},
    ),
    "version 1, in a container that does not see its group's path": (
        "1:cpu:/docker/123\n",
        {"cpu__cpu.cfs_quota_us": "100000\n", "cpu__cpu.cfs_period_us": "100000\n"},
    ),
}


@pytest.mark.parametrize("name", CORES)
def test_a_quota_of_cores_counts(tmp_path, name):
    group, files = CORES[name]
    assert machine.cores(made(tmp_path, group, **files), {}) == 1


@pytest.mark.parametrize(
    "files", [{}, {"cpu.max": "max 100000\n"}, {"cpu__cpu.cfs_quota_us": "-1\n", "cpu__cpu.cfs_period_us": "100000\n"}]
)
def test_without_a_quota_it_is_the_affinity(tmp_path, files):
    root = made(tmp_path, "1:cpu:/\n0::/\n", **files)
    assert machine.cores(root, {}) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"SLURM_CPUS_PER_TASK": "1", "SLURM_CPUS_ON_NODE": "64"}, 1),
        ({"SLURM_CPUS_ON_NODE": "1"}, 1),
        ({"SLURM_CPUS_PER_TASK": "4096"}, None),
        ({"SLURM_CPUS_PER_TASK": "many"}, None),
    ],
)
def test_slurms_share_counts(tmp_path, given, expected):
    assert machine.cores(str(tmp_path), given) == (expected or len(os.sched_getaffinity(0)))


def test_cores_of_taskset_count_everywhere(tmp_path):
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from raysp.driver import packing\nfrom raysp.io import machine\nfrom raysp.cluster.session import cores\n"
        "from raysp.config import Resources\n"
        "print(machine.cores(), packing.cores(), cores(Resources()), cores(Resources(workers=3, cpus_per_worker=2)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1 1 6\n"


@pytest.mark.parametrize(
    ("group", "files"),
    [
        ("0::/job\n", {"job__memory.max": "1000000000\n", "memory.max": "max\n"}),
        ("0::/a/b\n", {"a__memory.max": "1000000000\n", "a__b__memory.max": "2000000000\n"}),
        ("4:memory:/x\n", {"memory__x__memory.limit_in_bytes": "1000000000\n"}),
    ],
)
def test_a_groups_memory_counts(tmp_path, group, files):
    assert machine.memory(made(tmp_path, group, **files), {}) == 10**9


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"SLURM_MEM_PER_NODE": "1000"}, 1000 * 2**20),
        ({"SLURM_MEM_PER_NODE": "0"}, PHYSICAL),
        ({"SLURM_MEM_PER_CPU": "500", "SLURM_CPUS_PER_TASK": "1"}, 500 * 2**20),
    ],
)
def test_slurms_memory_counts(tmp_path, given, expected):
    unlimited = made(tmp_path, "4:memory:/\n", **{"memory__memory.limit_in_bytes": "9223372036854771712\n"})
    assert machine.memory(unlimited, given) == expected


def test_a_limit_of_the_shell_counts(tmp_path, monkeypatch):
    limits = {resource.RLIMIT_AS: (2**31, 2**32)}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits.get(kind, (-1, -1)))
    assert machine.memory(str(tmp_path), {}) == 2**31
    assert machine.limit(resource.RLIMIT_NOFILE) is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing, or give nothing back")
def test_memory_that_was_freed_goes_back_to_the_system():
    process = psutil.Process()
    blocks = [b"x" * 50_000 for _ in range(2000)]
    # What lies above them keeps the heap from shrinking by itself.
    above = b"y" * 50_000
    del blocks
    before = process.memory_info().rss
    machine.give_memory_back()
    assert process.memory_info().rss < before - 50 * machine.MIB
    assert above
