"""Stand-in recordings: generated files in the layout of the benchmark's archive, with known dynamics and answers.

For a first run without a download and for tests. Nothing in them was measured: every file says so, and so does the
name of everything that is made from them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

import numpy as np

from raysp.data.fetch.verified import is_standin, local_root
from raysp.data.nlb.sets import SETS, NLBSet, dataset_of
from raysp.data.standin.files import Generated, paths, write
from raysp.data.standin.interval import intervals
from raysp.data.standin.population import spike_times, tune
from raysp.data.standin.reach import bumps, maze, targets
from raysp.data.standin.session import Size, size_of, window_sample
from raysp.errors import BadInput
from raysp.io import files

GAINS = {"mc_maze": 0.85, "mc_rtt": 0.8, "area2_bump": 0.8, "dmfc_rsg": 0.65}
USUAL_GAIN = 0.75
SESSIONS = {"mc_rtt": targets, "area2_bump": bumps, "dmfc_rsg": intervals}


def write_standin(
    root: str,
    *,
    size: str = "small",
    seed: int = 0,
    datasets: Iterable[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> None:
    """Write stand-ins of the benchmark's recordings, the test phase's answers and the truth behind them.

    Files of a recording appear together, under their final names, when all of them are whole; with the same arguments
    they have the same bytes.

    Args:
        root: the data root, a local folder. Recordings lie where the archive's would; the truth lies in
            standin-truth: `latents_train`, `latents_test` (ms, D), `windows_test` (trials, 2: begin in the test file's
            ms, row in latents_test), `readout` (D, units), `bias` (units,): log expected spikes per ms.
        size: small (seconds, a few tens of MB) or real (trial and unit counts of the released recordings).
        seed: of all that is random.
        datasets: names of recordings; all seven by default.
        report: told one line per recording.

    Raises:
        BadInput: a name is unknown, or a file that is not a stand-in is in the way; nothing was written then.
    """
    root = local_root(root)
    chosen = [dataset_of(name) for name in dict.fromkeys(SETS if datasets is None else datasets)]
    sizes = [size_of(nlb, size) for nlb in chosen]
    if seed < 0:
        raise BadInput(f"expected a seed of 0 or more, got {seed}")
    for nlb in chosen:
        _refuse_others(nlb, root)
    for nlb, count in zip(chosen, sizes, strict=True):
        made = generate(nlb, count, f"{nlb.name} {size} seed {seed}", seed)
        write(made, root)
        if report is not None:
            report(f"generated {nlb.name}: {count.train}+{count.val}+{count.test} trials, {len(made.population)} units")


def _refuse_others(nlb: NLBSet, root: str) -> None:
    for path in paths(nlb, root):
        if files.exists(path) and not is_standin(path):
            raise BadInput(f"{path} is not a stand-in and will not be overwritten; choose another --root")


def generate(nlb: NLBSet, size: Size, title: str, seed: int) -> Generated:
    """Return a recording that is not written yet."""
    key = [seed, zlib.crc32(nlb.name.encode())]
    rng = np.random.default_rng(key)
    content = SESSIONS.get(nlb.name, maze)(rng, nlb, size)
    align = content.trials[nlb.align][content.trials["split"] != "none"].astype(np.int64)
    seen = content.latents[window_sample(rng, nlb, align)].astype(np.float64)
    gain = GAINS.get(nlb.name, USUAL_GAIN)
    population = tune(rng, content.latents, seen, content.weights, size.heldin, size.heldout, gain)
    spikes_us = [
        spike_times(np.random.default_rng([*key, unit]), content.latents, population, unit)
        for unit in range(len(population))
    ]
    return Generated(nlb, title, content, population, spikes_us)
