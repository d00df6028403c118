"""The seven recordings of the Neural Latents Benchmark and its 28 splits: a table of facts, no data.

Windows, lags, condition columns and kernel widths are those of the benchmark's own tools (nlb_tools 0.0.4); unit
counts are those of the released recordings, dmfc_rsg's of the second release (November 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from raysp.data.splits.header import Role
from raysp.errors import unknown
from raysp.io import files

Phase = Literal["val", "test"]

PHASES: tuple[Phase, ...] = ("val", "test")
BIN_WIDTHS_MS = (5, 20)
FORWARD_MS = 200
ANSWERS_FILE = "eval_data_test.h5"
STANDIN_MARK = "raysp-standin"
STANDIN_PREFIX = "standin-"
BUILDER = "nlb-1"


@dataclass(frozen=True)
class NLBSet:
    """One recording: where its files lie and how its trials are cut.

    Attributes:
        name: as the benchmark calls it.
        dandiset: number in the DANDI archive, also the folder below the data root.
        subject: folder below the dandiset.
        train_file: base name; holds the trials of the splits train, val and none, with held-out units.
        test_file: base name; holds the trials of the split test, held-in units only.
        align: trial column with the time (s) the window is aligned to.
        window_ms: start (included) and end (excluded) of the window around the align time.
        heldin: held-in units of the released recording.
        heldout: held-out units of the released recording.
        series: time series decoded as behaviour; None where behaviour is one row of trial columns.
        lag_ms: behaviour is read this much later than the spikes.
        behavior_columns: trial columns that are the behaviour where there is no series.
        conditions: trial columns whose distinct rows are the PSTH's conditions; none: the set has no PSTH.
        psth_sigma_ms: standard deviation of the PSTH's Gaussian kernel.
        train_overlap: training windows may reach into the next trial; else they are cut there.
        eval_overlap: evaluation windows likewise.
        decoders: trial column whose values 0 and 1 choose the decoder a trial belongs to.
        outliers: trial column; trials where it is not 0 give no behaviour and no PSTH.
        observed_from: trial column with the time (s) before which evaluation answers are not scored, as they are not
            after `align`.
        jitter_ms: windows are shifted by a random multiple of the bin width, at most so much and at most the window's
            length less the produced time `tp`.
    """

    name: str
    dandiset: str
    subject: str
    train_file: str
    test_file: str
    align: str
    window_ms: tuple[int, int]
    heldin: int
    heldout: int
    series: str | None = None
    lag_ms: int = 0
    behavior_columns: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    psth_sigma_ms: int = 0
    train_overlap: bool = False
    eval_overlap: bool = False
    decoders: str | None = None
    outliers: str | None = None
    observed_from: str | None = None
    jitter_ms: int = 0

    def folder(self, root: str) -> str:
        """Return the folder of the recording's files below the data root."""
        return files.join(root, self.dandiset, self.subject)

    def train_path(self, root: str) -> str:
        """Return the path of the recording's training file."""
        return files.join(self.folder(root), self.train_file)

    def test_path(self, root: str) -> str:
        """Return the path of the recording's test file."""
        return files.join(self.folder(root), self.test_file)

    def bins(self, bin_ms: int) -> int:
        """Return the number of observed bins of a trial."""
        return (self.window_ms[1] - self.window_ms[0]) // bin_ms

    def trial_columns(self) -> tuple[str, ...]:
        """Return the trial columns that the training file must have."""
        named = (self.align, *self.behavior_columns, *self.conditions, self.decoders, self.outliers, self.observed_from)
        always = ("start_time", "stop_time", "split")
        return tuple(dict.fromkeys((*always, *(column for column in named if column is not None))))


def _set(name: str, dandiset: str, session: str, recorded: str = "behavior+ecephys", **facts: Any) -> NLBSet:
    train, test = (f"{session}_desc-{part}.nwb" for part in (f"train_{recorded}", "test_ecephys"))
    return NLBSet(name, dandiset, session.partition("_")[0], train, test, **facts)


def _maze(name: str, dandiset: str, session: str, heldin: int, heldout: int, lag_ms: int, sigma_ms: int) -> NLBSet:
    return _set(
        name, dandiset, f"sub-Jenkins_ses-{session}", align="move_onset_time", window_ms=(-250, 450), heldin=heldin,
        heldout=heldout, series="hand_vel", lag_ms=lag_ms, conditions=("trial_type", "trial_version"),
        psth_sigma_ms=sigma_ms,
    )  # fmt: skip


SETS: dict[str, NLBSet] = {
    one.name: one
    for one in (
        _maze("mc_maze", "000128", "full", heldin=137, heldout=45, lag_ms=100, sigma_ms=70),
        _set(
            "mc_rtt", "000129", "sub-Indy", align="start_time", window_ms=(0, 600), heldin=98, heldout=32,
            series="finger_vel", lag_ms=140, train_overlap=True, eval_overlap=True,
        ),
        _set(
            "area2_bump", "000127", "sub-Han", align="move_onset_time", window_ms=(-100, 500), heldin=49, heldout=16,
            series="hand_vel", lag_ms=-20, conditions=("cond_dir", "ctr_hold_bump"), psth_sigma_ms=40,
            eval_overlap=True, decoders="ctr_hold_bump",
        ),
        _set(
            "dmfc_rsg", "000130", "sub-Haydn", "ecephys", align="go_time", window_ms=(-1500, 0), heldin=40, heldout=14,
            behavior_columns=("is_eye", "theta", "is_short", "ts", "tp"),
            conditions=("is_eye", "theta", "is_short", "ts"), psth_sigma_ms=70, train_overlap=True, eval_overlap=True,
            outliers="is_outlier", observed_from="set_time", jitter_ms=300,
        ),
        _maze("mc_maze_large", "000138", "large", heldin=122, heldout=40, lag_ms=120, sigma_ms=50),
        _maze("mc_maze_medium", "000139", "medium", heldin=114, heldout=38, lag_ms=120, sigma_ms=50),
        _maze("mc_maze_small", "000140", "small", heldin=107, heldout=35, lag_ms=120, sigma_ms=50),
    )
}  # fmt: skip


def split_name(dataset: str, bin_ms: int, phase: Phase) -> str:
    """Return a split's name, e.g. "mc_maze_small-05ms-val"."""
    return f"{dataset}-{bin_ms:02d}ms-{phase}"


_PARTS: dict[str, tuple[NLBSet, int, Phase]] = {
    split_name(dataset, bin_ms, phase): (SETS[dataset], bin_ms, phase)
    for dataset in SETS
    for bin_ms in BIN_WIDTHS_MS
    for phase in PHASES
}

SPLITS: tuple[str, ...] = tuple(_PARTS)


def parse(name: str) -> tuple[NLBSet, int, Phase]:
    """Return the recording, the bin width (ms) and the phase that a split's name stands for.

    The prefix "standin-" of a generated recording's splits is understood.

    Raises:
        BadInput: no split has that name.
    """
    bare = name.removeprefix(STANDIN_PREFIX)
    if bare not in _PARTS:
        raise unknown("NLB split", name, SPLITS)
    return _PARTS[bare]


def group_name(dataset: str, bin_ms: float) -> str:
    """Return the benchmark's name for a data set and bin width: "mc_maze" at 5 ms, "mc_maze_20" at 20 ms."""
    bare = dataset.removeprefix(STANDIN_PREFIX)
    return bare if bin_ms == 5 else f"{bare}_{int(bin_ms)}"


def dataset_of(name: str) -> NLBSet:
    """Return the recording called `name`.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in SETS:
        raise unknown("NLB data set", name, SETS)
    return SETS[name]


def role_of(split: str) -> Role:
    """Return what a split of this name is there for: what the benchmark's headers say, of splits without a header."""
    if (bare := split.removeprefix(STANDIN_PREFIX)) not in _PARTS:
        return Role()
    recording, bin_ms, phase = _PARTS[bare]
    selects = split.removesuffix(bare) + split_name(recording.name, bin_ms, "val")
    return Role(phase, selects if phase == "test" else "", benchmark=True)
