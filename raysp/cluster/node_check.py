"""Whether a machine of the cluster can run trials: the same code, and the same run folder and data as the driver's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from raysp.cluster.joining import address
from raysp.config import code_hash
from raysp.errors import NotReady
from raysp.io import files
from raysp.runs import provenance
from raysp.runs.folder import RunFolder

if TYPE_CHECKING:
    import ray

driver: Expected | None = None
"""What this process's tasks ask of a machine; set by `check_machines`."""
turned_away: set[str] = set()
"""The machines, by Ray's name for them, that this process's tasks found unfit."""
MUST_AGREE = ("raysp", "torch", "numpy")
SHARED = "a folder that all machines share, at the same place, or an address such as s3://"
ANSWER_S = 120.0
# A shared disk may show a file that another machine has just written a few seconds late.
LATE_S = 10.0


@dataclass(frozen=True)
class Expected:
    """What the driver finds of itself, for others to compare with.

    Attributes:
        code: hash of raysp's files.
        versions: of the packages that compute, without the build they come from ("+cpu", "+cu130").
        run: the run folder's path; empty when nothing is to be looked at.
        root: the data root's path.
        holder: who holds the run's lock, as its file says; empty for a run at an address.
        names: what lies in the data root; empty for one at an address.
        installed: what other installed packages add, and the hash of its code.
    """

    code: str
    versions: dict[str, str]
    run: str
    root: str
    holder: str
    names: tuple[str, ...]
    installed: Mapping[str, str] = field(default_factory=dict)


def expected(run: str, root: str) -> Expected | None:
    """Return what every machine must find as this process does; call it with the run's lock held.

    None in a session of this machine's own: there is nothing to compare.

    Args:
        run: the run folder's absolute path, or its address.
        root: the data root's.
    """
    if address() is None:
        return None
    holder = files.read_text(RunFolder(run).holder) if files.is_local(run) else ""
    names = tuple(files.listing(root)) if files.is_local(root) else ()
    return Expected(provenance.code(), _versions(), run, root, holder, names, code_hash.of_installed())


def unfit(driver: Expected) -> str | None:
    """Return why this machine must not run trials, and what to do; None when it may."""
    if provenance.code() != driver.code:
        return (
            f"it has other code of raysp ({provenance.code()[:12]}, expected {driver.code[:12]}); copy the driver's "
            "there and start Ray there again (`ray up` does both)"
        )
    there = driver.versions
    if other := [f"{name} {own}, expected {there[name]}" for name, own in _versions().items() if own != there[name]]:
        return f"it has {', '.join(other)}; install the versions of requirements.lock there"
    if (reason := _not_installed(driver.installed)) is not None:
        return reason
    if not driver.run:
        return None
    try:
        return _blind(driver)
    except Exception as error:
        return f"it cannot look into {driver.run} and {driver.root} ({error})"


def check_machines(mine: Expected | None) -> None:
    """Refuse a cluster one of whose machines is unfit, before anything is started there; None to look at nothing.

    From then on, tasks of this process look for themselves: a machine may come later.

    Raises:
        NotReady: the first such machine, why, and what to do. One that does not answer is passed over here: its workers
            look for themselves.
    """
    global driver

    driver = mine
    turned_away.clear()
    if mine is None:
        return
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    own = ray.get_runtime_context().get_node_id()
    task = ray.remote(num_cpus=0, max_retries=0)(unfit)
    asked = {}
    for node in ray.nodes():
        # One without CPU slots runs no trials.
        if node["Alive"] and node["NodeID"] != own and node["Resources"].get("CPU"):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[task.options(scheduling_strategy=there).remote(mine)] = node
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_S) if asked else ([], [])
    for answer in ready:
        if (reason := _answer(answer)) is not None:
            raise NotReady(f"machine {asked[answer]['NodeManagerAddress']} of the cluster cannot run trials: {reason}")


def _answer(asked: ray.ObjectRef[str | None]) -> str | None:
    import ray

    try:
        return ray.get(asked)
    except (ray.exceptions.RayTaskError, ray.exceptions.RaySystemError, ray.exceptions.RuntimeEnvSetupError) as error:
        # Code that does not know this function, or no raysp at all.
        last = str(error).strip().splitlines()[-1].strip()
        return f"raysp does not answer there ({last}); install the same there as here (`ray up` does)"
    except ray.exceptions.RayError:
        # The machine went away meanwhile.
        return None


def _not_installed(expected: Mapping[str, str]) -> str | None:
    found = code_hash.of_installed() if expected else {}
    for name, sha in expected.items():
        if name not in found:
            return f"it lacks {name}, which a package installed at the driver's adds; install that package there"
        if found[name] != sha:
            return f"it has other code of {name} ({found[name][:12]}, expected {sha[:12]}); install the driver's there"
    return None


def _blind(driver: Expected) -> str | None:
    if driver.holder and not _same_folder(driver):
        return f"it does not see {driver.run} as the driver does; give --runs {SHARED}"
    if not files.is_local(driver.run):
        files.listing(driver.run)
    missing = set(driver.names) - set(files.listing(driver.root))
    if missing:
        return f"it does not see {sorted(missing)[0]} in {driver.root}; give --root {SHARED}"
    return None


def _same_folder(driver: Expected) -> bool:
    path, until = RunFolder(driver.run).holder, time.monotonic() + LATE_S
    while not (files.exists(path) and files.read_text(path) == driver.holder):
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def _versions() -> dict[str, str]:
    found = provenance.versions()
    return {name: found.get(name, "none").partition("+")[0] for name in MUST_AGREE}
