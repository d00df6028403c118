"""experiment.yaml: what was asked for, when, from which code, on which data; and the lock that one driver holds."""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import raysp
from raysp import address, code_hash, files, lease, leftovers, settings
from raysp.config import Experiment, Trial
from raysp.data import split_file
from raysp.errors import BadInput
from raysp.form import Form, settle
from raysp.plan import Plan
from raysp.runs import RunFolder, trial_to
from raysp.yaml_files import write_yaml

PACKAGES = ("ray", "torch", "numpy", "polars", "mlflow", "optuna", "h5py", "scipy", "scikit-learn", "nlb-tools")


def write_record(
    run: RunFolder, experiment: Experiment, plan: Plan, root: str, *, form: Form | None = None, own: Any = None
) -> list[Trial]:
    """Write the run's record with this submission added.

    Args:
        run: its folder.
        experiment: what is asked for, with the command line's changes of settings, not narrowed.
        plan: of this command.
        root: the data root.
        form: the present form of the run's trials; None works it out.
        own: the experiment as its file has it; None where nothing was changed by the command line.

    Returns:
        The trials of the present form.
    """
    own = experiment if own is None else own
    form = settle(run, experiment, own, plan, root) if form is None else form
    earlier = form.record
    names = dict.fromkeys(trial.split for trial in plan.trials)
    code = code_of(form, earlier)
    record = {
        "name": run.name,
        "standin": any(trial.standin for trial in form.present),
        "experiment": settings.plain(experiment),
        "form": settings.plain(own),
        "root": files.absolute(root),
        "submissions": [*earlier["submissions"], submission()],
        "data": {**earlier["data"], **{name: data(root, name) for name in names}},
        "left_out": [list(item) for item in plan.left_out],
        "code": code,
        "accepted": [*earlier.get("accepted", ()), *(_accepted(one, code) for one in form.accepted)],
        "trials": [trial_to(trial) for trial in form.present],
        "earlier": [trial_to(trial) for trial in form.earlier],
    }
    write_yaml(run.experiment, record)
    return list(form.present)


def code_of(form: Form, record: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the files behind each digest of code of a run's trials, as far as anyone noted them."""
    found = dict(record.get("code", {}))
    for trial in (*form.planned, *form.present):
        if trial.code and trial.code not in found:
            now = code_hash.of_model(trial.model, trial.settings)
            found |= {code_hash.digest(now): dict(now)}
    for one in form.accepted:
        if one["to"] not in found:
            found[one["to"]] = dict(code_hash.of_model(one["model"], one["settings"]))
    return found


def _accepted(one: dict[str, Any], code: dict[str, dict[str, str]]) -> dict[str, Any]:
    changed = code_hash.differing(code.get(one["from"], {}), code.get(one["to"], {})) if one["from"] in code else []
    return {**accepted(), "model": one["model"], "from": one["from"], "to": one["to"], "files": changed}


def data(root: str, name: str) -> dict[str, Any]:
    """Return what a record says of a prepared split: its fingerprint, its recordings, and notes of its preparation."""
    header = split_file.header(root, name)
    built = header.get("built_from", {}).get("code", "")
    return {"fingerprint": header["fingerprint"], "code": built, **header["provenance"]}


def submission() -> dict[str, Any]:
    """Return when, by what command, and from which versions something was submitted."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": address.masked_command([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
        **commit(),
        "code": code(),
        "versions": versions(),
    }


def accepted() -> dict[str, str]:
    """Return who says now that a change of the code changed no result."""
    with contextlib.suppress(OSError, KeyError):
        return {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "who": f"{getpass.getuser()} on {platform.node()}"}
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "who": f"user {os.getuid()} on {platform.node()}"}


def widened() -> str:
    """Return this command without what narrows it, and without what belongs to this one time."""
    program, kept, skip = sys.argv[0], [], False
    for one in sys.argv[1:]:
        if skip:
            skip = False
        elif one in ("--models", "--splits"):
            skip = True
        elif not one.startswith(("--models=", "--splits=")) and one not in ("--retry", "--force", "--dry-run"):
            kept.append(one)
    start = ["python", program] if program.endswith(".py") else [os.path.basename(program)]
    return address.masked_command([*start, *kept])


@functools.cache
def commit() -> dict[str, Any]:
    """Return the git commit of raysp's own code and whether it was changed since; "unknown" outside a checkout."""
    here = os.path.dirname(os.path.abspath(raysp.__file__))
    try:
        head = _git(here, "rev-parse", "HEAD")
        changed = bool(_git(here, "status", "--porcelain", "--untracked-files=no", "--", "."))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "unknown", "changed": None}
    return {"commit": head, "changed": changed}


@functools.cache
def code() -> str:
    """Return the SHA-256 of raysp's own Python files, by name and content: what ran, with or without git."""
    total, root = hashlib.sha256(), pathlib.Path(raysp.__file__).parent
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python, raysp, and the packages that can change a result."""
    found = {"python": platform.python_version(), "raysp": raysp.__version__}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


@contextlib.contextmanager
def locked(run: RunFolder) -> Iterator[None]:
    """Hold the run's lock for the block. On a disk the system frees it even when this process is killed.

    In a store of objects it is a lease, which others may take once it was not renewed for a while.

    Raises:
        BadInput: another process holds it, or has taken it.
    """
    who = f"process {os.getpid()} on {platform.node()}"
    if not files.is_local(run.path):
        with lease.held(run.lock, who):
            yield
        return
    from filelock import FileLock, Timeout

    files.make_folder(run.path)
    try:
        with FileLock(run.lock, timeout=0):
            files.write_text(run.holder, f"{who} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            leftovers.clear(run.path)
            yield
    except Timeout as error:
        holder = files.read_text(run.holder) if files.exists(run.holder) else "another process"
        raise BadInput(
            f"{run.path} is being run by {holder}; wait for it, stop it, or give this run another name"
        ) from error


def _git(folder: str, *args: str) -> str:
    done = subprocess.run(["git", "-C", folder, *args], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
