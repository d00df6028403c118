"""What a person wants to know before blaming the code: versions, devices, Ray, MLflow, data, disk."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from raysp import __version__
from raysp.io import files, machine

NEEDED = ("ray", "torch", "numpy", "scipy", "polars", "pyarrow", "h5py", "mlflow", "optuna", "scikit-learn", "pandas")
LOW_DISK_GB = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what was looked at.
        good: False when it needs doing something about.
        text: what was found, and what to do.
    """

    name: str
    good: bool
    text: str


def examine(root: str) -> Iterator[Finding]:
    """Look at the machine and yield what is found, the quick things first."""
    good = sys.version_info >= (3, 11)
    yield Finding("python", good, f"{platform.python_version()}{'' if good else ': raysp needs 3.11 or newer'}")
    yield Finding("raysp", True, __version__)
    for name in NEEDED:
        yield _package(name)
    yield _judge()
    yield _devices()
    yield _ray()
    yield _mlflow()
    yield _data(root)
    yield _disk(root)


def _package(name: str) -> Finding:
    if (version := _version(name)) is not None:
        return Finding(name, True, version)
    return Finding(name, False, "missing; run: make setup in a checkout, or pip install --upgrade raysp")


def _judge() -> Finding:
    from raysp.data.nlb.reference import INSTALL

    absent = f"not installed, and needed for the benchmark's splits alone, which it judges; run: {INSTALL}"
    return Finding("nlb_tools", True, _version("nlb_tools") or absent)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> Finding:
    import torch

    own, there = machine.cores(), os.cpu_count()
    cores = f"{own} CPU cores" + ("" if own == there else f" of {there}, as this process may use")
    cores += f" and {machine.memory() / 2**30:.3g} GiB of memory"
    if not torch.cuda.is_available():
        return Finding("devices", True, f"{cores}, no GPU that torch {torch.__version__} can use")
    cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    listed = ", ".join(f"{card.name} ({card.total_memory / 2**30:.0f} GiB)" for card in cards)
    return Finding("devices", True, f"{cores}, {listed}")


def _ray() -> Finding:
    address = os.environ.get("RAY_ADDRESS")
    own = "starts a session of its own on loopback (RAY_ADDRESS is not set)"
    return Finding("ray", True, f"joins the cluster at {address} (RAY_ADDRESS)" if address else own)


def _mlflow() -> Finding:
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    note = f"; MLFLOW_TRACKING_URI={uri} is not used: give --tracking" if uri else ""
    return Finding("tracking", True, f"SQLite in each run folder unless --tracking is given{note}")


def _data(root: str) -> Finding:
    prepared = [name for name in files.listing(files.join(root, "prepared")) if not name.endswith(".targets.h5")]
    if not files.exists(root):
        return Finding("data", True, f"{root} is not there; run: raysp data fetch mc_maze_small --root {root}")
    return Finding("data", True, f"{root}: {len(prepared)} prepared splits; more: raysp data list --root {root}")


def _disk(root: str) -> Finding:
    place = root if files.is_local(root) and os.path.isdir(root) else "."
    free = shutil.disk_usage(place).free / 1e9
    return Finding("disk", free > LOW_DISK_GB, f"{free:.0f} GB free{'' if free > LOW_DISK_GB else ': that is little'}")
