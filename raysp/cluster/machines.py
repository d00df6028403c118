"""What a cluster's machines hold: those that are there, those that may still come, and how many workers fit."""

from __future__ import annotations

import os
from collections import Counter

from raysp.config.experiment import Resources
from raysp.io.yaml_files import read_yaml

Machines = list[dict[str, float]]
"""The resources of each machine, such as {"CPU": 4.0, "GPU": 1.0}."""

# What `ray up` leaves on the head: the machines that may be asked for, and how many.
BOOTSTRAP = "~/ray_bootstrap_config.yaml"
machines_within_min = Resources.machines_within_min
"""How long tasks of this process's session wait for a machine; the session sets it."""
MOST_GROUPS = 16
"""A group has a handful of processes of its own on the driver's machine, about 0.5 GB."""


def present() -> Machines:
    """Return the machines of the Ray session that this process has joined."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def with_machines_to_come(there: Machines) -> Machines:
    """Return a cluster's machines with those that its head may still start, at their most.

    A cluster that starts from no workers has nothing to offer when a command joins it; what counts is what comes when
    trials wait. Only the head knows, from the file that `ray up` left there; elsewhere it is what is there.
    """
    path = os.path.expanduser(BOOTSTRAP)
    if not os.path.exists(path):
        return there
    config, to_come = read_yaml(path), []
    for name, kind in config["available_node_types"].items():
        if name != config["head_node_type"]:
            to_come += [dict(kind["resources"])] * kind["max_workers"]
    to_come = to_come[: config["max_workers"]]
    for machine in there:
        same = [one for one in to_come if one and all(machine.get(name) == amount for name, amount in one.items())]
        if same:
            to_come.remove(same[0])
    return [*there, *to_come]


def share_of(resources: Resources, machines: Machines) -> float:
    """Return the GPUs of each worker: as asked for, else one where there are any."""
    if resources.gpus_per_worker is not None:
        return resources.gpus_per_worker
    return 1.0 if any(machine.get("GPU", 0) for machine in machines) else 0.0


def slots(machine: dict[str, float], resources: Resources, share: float) -> int:
    """Return how many workers a machine holds: one per GPU (or share of one) where they have GPUs, and per core."""
    fit = int(machine.get("CPU", 0)) // resources.cpus_per_worker
    # A share of 1/3 three times is one GPU.
    return min(fit, int(machine.get("GPU", 0) / share + 1e-6)) if share else fit


def pool_size(resources: Resources, machines: Machines, trials: int) -> tuple[int, float]:
    """Return (workers, GPUs per worker) for a pool: as asked for, else all that fit; never more than trials."""
    share = share_of(resources, machines)
    workers = resources.workers
    if workers is None:
        workers = sum(slots(machine, resources, share) for machine in machines)
    return max(1, min(workers, trials)), share


def group_sizes(workers: int, resources: Resources, machines: Machines) -> list[int]:
    """Return how the workers are parted into groups that come and go on their own, one for each machine.

    A group starts when all its workers have room, and starts again when one of them dies: with a group for each
    machine, none waits for a machine that does not come, and none is disturbed by one that is taken away.
    """
    share = share_of(resources, machines)
    sizes = sorted(filter(None, (slots(machine, resources, share) for machine in machines)), reverse=True) or [1]
    parts: list[int] = []
    while (left := workers - sum(parts)) > 0:
        parts.append(min(left, sizes[len(parts)] if len(parts) < len(sizes) else sizes[0]))
    while len(parts) > MOST_GROUPS:
        # The two smallest, so that none grows far beyond a machine before the others.
        parts = sorted([*parts[:-2], parts[-1] + parts[-2]], reverse=True)
    return parts


def none_came() -> str:
    """Return what there is instead of the machines that a task waits for, and what to do, as the end of a sentence."""
    counts = Counter(
        ", ".join(f"{name} {machine[name]:g}" for name in ("CPU", "GPU") if machine.get(name)) or "none"
        for machine in present()
    )
    there = "; ".join(f"{count} with {text}" for text, count in counts.items()) or "none"
    return (
        f"the cluster's machines are: {there}. `ray status` says what it waits for. Nothing is lost: the same command "
        "goes on; it waits longer with --set resources.machines_within_min=120"
    )
