"""What of this machine this process may use: its cores and its memory, not the host's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from collections.abc import Iterator, Mapping

# As the kernel's documentation has them: version 2's one file, version 1's two.
QUOTA = ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")
MEMORY = ("memory.max", "memory.limit_in_bytes")
MIB = 2**20


def cores(root: str = "/", environment: Mapping[str, str] = os.environ) -> int:
    """Return how many CPU cores this process may use, at least 1; a part of a core counts for nothing.

    The least of its affinity (taskset, cpusets, Slurm), the quota of its control group and of those above it
    (containers, systemd), and Slurm's share of a task.

    Args:
        root: where /proc and /sys lie.
        environment: Slurm's variables are read from it.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([affinity, *_quotas(root), *_slurm_cores(environment)])))


def memory(root: str = "/", environment: Mapping[str, str] = os.environ) -> int:
    """Return how many bytes of memory this process may use.

    The least of the machine's, the limits of its control group and of those above it, `ulimit -v`, and Slurm's share.

    Args:
        root: where /proc and /sys lie.
        environment: Slurm's variables are read from it.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limited = [soft for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA) if (soft := limit(kind)) is not None]
    return int(min([physical, *_group_memory(root), *limited, *_slurm_memory(root, environment)]))


def limit(kind: int) -> int | None:
    """Return a limit of this process (`resource.RLIMIT_...`) as it holds now; None for no limit."""
    soft, _ = resource.getrlimit(kind)
    return None if soft == resource.RLIM_INFINITY else soft


def _quotas(root: str) -> Iterator[float]:
    for folder in _groups(root, "cpu"):
        quota, _, period = _read(folder, QUOTA[0]).partition(" ")
        if not quota:
            quota, period = (_read(folder, name) for name in QUOTA[1:])
        # "max" and -1 stand for none.
        if quota.isdigit() and period.isdigit() and int(period):
            yield int(quota) / int(period)


def _group_memory(root: str) -> Iterator[int]:
    for folder in _groups(root, "memory"):
        for name in MEMORY:
            if (text := _read(folder, name)).isdigit():
                yield int(text)


def _groups(root: str, controller: str) -> Iterator[str]:
    """Yield the folders of this process's control group of a controller, and of all above it, of both versions."""
    top = os.path.join(root, "sys/fs/cgroup")
    for line in _read(root, "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part]
        for mount in {top, os.path.join(top, controllers), os.path.join(top, controller)}:
            # A container may not see the groups above its own, whose limits then lie at the mount's top.
            yield from (os.path.join(mount, *parts[:n]) for n in range(len(parts), -1, -1))


def _slurm_cores(environment: Mapping[str, str]) -> list[int]:
    found = [environment.get(name, "") for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")]
    return [int(text) for text in found if text.isdigit() and int(text)][:1]


def _slurm_memory(root: str, environment: Mapping[str, str]) -> list[int]:
    node, each = (environment.get(name, "") for name in ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU"))
    # Of a node, 0 stands for all of it.
    if node.isdigit() and int(node):
        return [int(node) * MIB]
    return [int(each) * MIB * cores(root, environment)] if each.isdigit() and int(each) else []


def _read(folder: str, name: str) -> str:
    with contextlib.suppress(OSError), open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read().strip()
    return ""


def give_memory_back() -> None:
    """Let the C library give back to the system what was freed, where it is one that keeps it: glibc.

    Arrays of one trial leave holes that those of the next do not fit into; without it a process that runs one trial
    after the other grows.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
