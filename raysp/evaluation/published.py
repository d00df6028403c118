"""Published scores of the Neural Latents Benchmark, to be shown beside one's own on the same data in the same units.

Only figures that could be read in a public place are here, each with that place. Several were read by third parties;
their source says so. None is ever shown beside generated data, another phase or another bin width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEADERBOARD = "NLB leaderboard (EvalAI challenge 1256) as read by third parties in 2026"
NOEMA = "README of the public repository noema"
RERUN = "third party's local re-run on the published test answers"
MAKIN = "README of the Makin lab's entry, 2022"
CABE9 = "single runs of lfads-torch by the public repository cabe9/NLBProject"
TUTORIALS = "nlb_tools example notebooks; the PSTH measure was changed in November 2021 and may be the older one"
NLB_TESTS = "nlb_tools' own tests"
AUTOLFADS = "AutoLFADS tutorial by F. Pei"


@dataclass(frozen=True)
class Published:
    """Scores of one model on one data set.

    Attributes:
        dataset: the recording.
        bin_ms: bin width, ms.
        phase: "val" or "test".
        model: as its authors call it.
        values: score by metric, in this package's names of metrics.
        source: where it was read.
    """

    dataset: str
    bin_ms: int
    phase: str
    model: str
    values: Mapping[str, float]
    source: str


def _one(dataset: str, bin_ms: int, phase: str, source: str, model: str, co_bps: float, **others: float) -> Published:
    names = {"vel": "vel R2", "psth": "psth R2", "fp": "fp-bps"}
    values = {"co-bps": co_bps, **{names[short]: value for short, value in others.items()}}
    return Published(dataset, bin_ms, phase, model, values, source)


PUBLISHED: tuple[Published, ...] = (
    _one("mc_maze", 5, "test", NOEMA, "known-condition PSTH (oracle)", 0.392),
    _one("mc_maze", 5, "test", NOEMA, "GRAFT, ensemble", 0.387),
    _one("mc_maze", 5, "test", LEADERBOARD, "STNDT, ensemble", 0.3862, vel=0.910),
    _one("mc_maze", 5, "test", RERUN, "STNDT-lite, 10-model ensemble", 0.3830, vel=0.9053, psth=0.6390),
    _one("mc_maze", 5, "test", LEADERBOARD, "S5", 0.3823),
    _one("mc_maze", 5, "test", LEADERBOARD, "DLFM", 0.3779),
    _one("mc_maze", 5, "test", LEADERBOARD, "SSLFADS", 0.3748),
    _one("mc_maze", 5, "test", NOEMA, "STNDT, single", 0.369),
    _one("mc_maze", 5, "test", LEADERBOARD, "AESMTE3, ensemble", 0.3676),
    _one("mc_maze", 5, "test", LEADERBOARD, "NDT-L", 0.3536),
    _one("mc_maze", 5, "test", LEADERBOARD, "AutoLFADS (KubeFlow)", 0.3510),
    _one("mc_maze", 5, "test", LEADERBOARD, "AutoLFADS", 0.336),
    _one("mc_maze", 5, "test", LEADERBOARD, "MINT", 0.330),
    _one("mc_maze", 5, "test", LEADERBOARD, "NDT", 0.3229),
    _one("mc_maze", 20, "test", LEADERBOARD, "LangevinFlow", 0.3650),
    _one("mc_maze", 20, "test", LEADERBOARD, "NDT", 0.3597),
    _one("mc_maze", 20, "test", LEADERBOARD, "Sequential Monte Carlo", 0.3589),
    _one("mc_maze", 20, "test", LEADERBOARD, "AutoLFADS", 0.3554),
    _one("mc_maze", 20, "val", CABE9, "LFADS (lfads-torch), 100 epochs", 0.3606, vel=0.8946, psth=0.5818, fp=0.2525),
    _one("mc_maze", 5, "val", CABE9, "LFADS (lfads-torch), 30 epochs", 0.316, vel=0.897),
    _one("mc_rtt", 5, "test", MAKIN, "Neural r-RoBERTa", 0.2168, vel=0.6489, fp=0.1341),
    _one("mc_rtt", 5, "test", MAKIN, "RNNf", 0.2119, vel=0.6133, fp=0.1148),
    _one("mc_rtt", 5, "test", MAKIN, "Neural RoBERTa", 0.2074, vel=0.6410, fp=0.1279),
    _one("mc_maze_large", 5, "val", AUTOLFADS, "AutoLFADS", 0.3212, vel=0.8568, psth=0.5743, fp=0.1807),
    _one("mc_maze_large", 5, "val", TUTORIALS, "GPFA", 0.2286, vel=0.5843, psth=0.1881),
    _one("mc_maze_large", 5, "val", TUTORIALS, "smoothing 40 ms + Poisson GLM", 0.2251, vel=0.5419),
    _one("mc_maze_large", 5, "val", NLB_TESTS, "smoothing 50 ms + ridge", 0.1528, vel=0.5224, psth=0.3871),
    _one("mc_maze_small", 5, "val", TUTORIALS, "SLDS", 0.1533, vel=0.6514, psth=0.2186, fp=-2.72),
)


def published(dataset: str, bin_ms: float, phase: str, *, standin: bool) -> tuple[Published, ...]:
    """Return the published scores that may stand beside one's own, the best co-bps first.

    Args:
        dataset: the recording's name.
        bin_ms: bin width, ms.
        phase: "val" or "test".
        standin: whether the data were generated; then nothing is comparable.

    Returns:
        None of them where the data are generated, or nothing was published for these.
    """
    if standin:
        return ()
    found = [one for one in PUBLISHED if (one.dataset, one.bin_ms, one.phase) == (dataset, bin_ms, phase)]
    return tuple(sorted(found, key=lambda one: -one.values["co-bps"]))
