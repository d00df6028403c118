"""The benchmark's tensors from a recording: what a model trains on, what it is given, and what it is scored against.

Dictionaries have the keys, shapes and types of nlb_tools 0.0.4 and the same numbers: counts, masks, indices and jitter
bit for bit, behaviour and PSTHs to 1e-12. Where those tools would drop trials or bins without saying so, a clear error
is raised instead.
"""

from __future__ import annotations

import numpy as np

from raysp.data.formats import binning
from raysp.data.formats.binning import NS_PER_MS
from raysp.data.nlb.psth import Aligned, align, psth
from raysp.data.nlb.recording import Session
from raysp.data.nlb.sets import FORWARD_MS, NLBSet
from raysp.errors import BadInput, present

SEED = 0

Tensors = dict[str, np.ndarray]


def train_input(session: Session, nlb: NLBSet, bin_ms: int, labels: tuple[str, ...] = ("train",)) -> Tensors:
    """Build the training tensors.

    Args:
        session: the training file.
        nlb: its recording.
        bin_ms: width of a bin, ms.
        labels: splits whose trials are training trials: train, or train and val for the test phase.

    Returns:
        train_spikes_heldin, train_spikes_heldout (trials, bins, units) float16 spikes per bin; the same with
        "_forward" (trials, forward, units) for the 200 ms that follow; train_behavior (trials, bins, variables) or
        (trials, variables).

    Raises:
        BadInput: no such trials, an align time is missing, windows overlap where they may not, or units were not
            observed in a whole window.
    """
    rows, bins = session.rows(labels), nlb.bins(bin_ms)
    first = first_bins(session, nlb, rows, bin_ms, overlap=nlb.train_overlap)
    return {
        **_both(session, first, bins, bin_ms, "train_spikes_{}"),
        "train_behavior": behavior(session, nlb, rows, bin_ms),
        **_both(session, first + bins, FORWARD_MS // bin_ms, bin_ms, "train_spikes_{}_forward"),
    }


def eval_input(session: Session, nlb: NLBSet, bin_ms: int, labels: tuple[str, ...] = ("val",)) -> Tensors:
    """Build the evaluation tensors: eval_spikes_heldin, and eval_spikes_heldout where the file has such units.

    Bins in which the units were not observed are NaN. Shapes and errors as in `train_input`.
    """
    rows = session.rows(labels)
    first = first_bins(session, nlb, rows, bin_ms, overlap=nlb.train_overlap)
    bins = nlb.bins(bin_ms)
    tensors = {"eval_spikes_heldin": binning.counts(session.heldin, first, bins, bin_ms)}
    if session.heldout is not None and "test" not in labels:
        tensors["eval_spikes_heldout"] = binning.counts(session.heldout, first, bins, bin_ms)
    return tensors


def eval_target(
    session: Session,
    nlb: NLBSet,
    bin_ms: int,
    train_labels: tuple[str, ...] = ("train",),
    eval_labels: tuple[str, ...] = ("val",),
) -> Tensors:
    """Build what predictions are scored against.

    Args:
        session: a file with held-out units.
        nlb: its recording.
        bin_ms: width of a bin, ms.
        train_labels: splits whose trials are training trials.
        eval_labels: splits whose trials are evaluation trials.

    Returns:
        eval_spikes_heldout (NaN where it is not scored), train_behavior, eval_behavior, eval_spikes_heldin_forward,
        eval_spikes_heldout_forward; where the recording has them also decode masks (trials, 2), psth (conditions,
        bins, units) expected spikes per bin, train_cond_idx and eval_cond_idx (one array of trials per
        condition), train_jitter and eval_jitter (trials,) bins.

    Raises:
        BadInput: as `train_input`.
    """
    train, chosen = session.rows(train_labels), session.rows(eval_labels)
    first = first_bins(session, nlb, chosen, bin_ms, overlap=nlb.eval_overlap)
    tensors = {
        "eval_spikes_heldout": _scored(session, nlb, chosen, first, bin_ms),
        "train_behavior": behavior(session, nlb, train, bin_ms),
        "eval_behavior": behavior(session, nlb, chosen, bin_ms),
        **_both(session, first + nlb.bins(bin_ms), FORWARD_MS // bin_ms, bin_ms, "eval_spikes_{}_forward"),
    }
    # In this order they are written, too: a file of answers has the same bytes for the same content.
    parts = {"train": train, "eval": chosen}
    if nlb.decoders is not None:
        tensors |= {f"{part}_decode_mask": decode_mask(session, nlb, rows) for part, rows in parts.items()}
    if nlb.conditions:
        histogram, trials_of = condition_psth(session, nlb, train, chosen, bin_ms)
        tensors |= {"eval_cond_idx": trials_of[1], "train_cond_idx": trials_of[0], "psth": histogram}
    if nlb.jitter_ms:
        tensors |= {f"{part}_jitter": jitter_bins(session, nlb, parts[part], bin_ms) for part in ("eval", "train")}
    return tensors


def first_bins(session: Session, nlb: NLBSet, rows: np.ndarray, bin_ms: int, *, overlap: bool) -> np.ndarray:
    """Return the first bin of each trial's window, jittered where the recording asks for it.

    Args:
        session: the file.
        nlb: its recording.
        rows: of the trials, in order.
        bin_ms: width of a bin, ms.
        overlap: windows may reach into the next of these trials.

    Raises:
        BadInput: an align time is missing, or windows overlap where they may not.
    """
    start, end = (edge * NS_PER_MS for edge in nlb.window_ms)
    time = session.ns(nlb.align)[rows]
    _refuse(session, rows, np.isnan(time), f"expected a time in {nlb.align}, got NaN")
    time = time + jitter_bins(session, nlb, rows, bin_ms) * (bin_ms * NS_PER_MS)
    stop = time + end
    if not overlap:
        stop = binning.until_next(time + start, stop, session.next_start_ns()[rows])
    window = binning.windows(time + start, stop, bin_ms)
    told = f"expected {nlb.bins(bin_ms)} bins of {bin_ms} ms before the next trial's begin, got {window.count.min()}"
    _refuse(session, rows, window.count != nlb.bins(bin_ms), told)
    return window.first


def jitter_bins(session: Session, nlb: NLBSet, rows: np.ndarray, bin_ms: int) -> np.ndarray:
    """Return each trial's shift in bins, (trials,) int64; zeros where the recording has no jitter.

    The bound is the window's length less the produced time `tp`, between 0 and `jitter_ms`, and 0 for test trials; one
    draw per trial, in order, from numpy's legacy generator seeded with 0.

    Raises:
        BadInput: a produced time is missing.
    """
    if not nlb.jitter_ms or (session.trials["split"][rows] == "test").all():
        return np.zeros(len(rows), dtype=np.int64)
    produced = np.asarray(session.trials["tp"][rows], dtype=np.float64)
    longest = float(nlb.window_ms[1] - nlb.window_ms[0])
    bound = np.where(session.trials["split"][rows] == "test", 0.0, np.clip(longest - produced, 0.0, nlb.jitter_ms))
    _refuse(session, rows, np.isnan(bound), "expected a produced time in tp, got NaN")
    bound = np.floor((bound / bin_ms).round(4))
    draws = np.random.RandomState(SEED).random_sample(len(rows))
    return (draws * bound).round().astype(np.int64)


def behavior(session: Session, nlb: NLBSet, rows: np.ndarray, bin_ms: int) -> np.ndarray:
    """Return the trials' behaviour, (trials, bins, variables) or (trials, variables) float64; NaN where unknown."""
    if nlb.series is not None:
        return session.behavior[bin_ms][rows]
    table = np.column_stack([np.asarray(session.trials[name][rows], np.float64) for name in nlb.behavior_columns])
    if nlb.outliers is not None:
        table[np.asarray(session.trials[nlb.outliers][rows]) != 0] = np.nan
    return table


def decode_mask(session: Session, nlb: NLBSet, rows: np.ndarray) -> np.ndarray:
    """Return which of the two decoders each trial belongs to, (trials, 2) booleans."""
    values = session.trials[present(nlb.decoders)][rows]
    return np.column_stack([values == 0, values == 1])


def condition_psth(
    session: Session, nlb: NLBSet, train: np.ndarray, chosen: np.ndarray, bin_ms: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the PSTH over the training and evaluation trials, and which of them belong to each condition.

    Args:
        session: the file.
        nlb: its recording.
        train: rows of the training trials.
        chosen: rows of the evaluation trials.
        bin_ms: width of a bin, ms.

    Returns:
        (conditions, bins, units) expected spikes per bin, held-in units first; and for each part an object array
        with one array of positions in the part per condition.
    """
    aligned = _aligned(session, nlb, np.union1d(train, chosen), bin_ms)
    bins, from_end = nlb.bins(bin_ms), nlb.observed_from is not None
    parts = [
        psth(spikes, aligned, bin_ms, bins, nlb.psth_sigma_ms, from_end=from_end)
        for spikes in (session.heldin, _heldout(session))
    ]
    return np.concatenate(parts, axis=2), (_trials_of(aligned, train), _trials_of(aligned, chosen))


def trials_by_condition(session: Session, nlb: NLBSet, rows: np.ndarray, bin_ms: int) -> np.ndarray:
    """Return which of these trials belong to each condition, as `condition_psth` does, without the PSTH."""
    return _trials_of(_aligned(session, nlb, rows, bin_ms), rows)


def ragged(parts: list[np.ndarray]) -> np.ndarray:
    """Return arrays of any lengths as one object array, (len(parts),)."""
    result = np.empty(len(parts), dtype=object)
    for index, part in enumerate(parts):
        result[index] = part
    return result


def _aligned(session: Session, nlb: NLBSet, used: np.ndarray, bin_ms: int) -> Aligned:
    members = _members(session, nlb, used)
    if not members:
        raise BadInput(f"{session.name}: expected conditions in {', '.join(nlb.conditions)}, got none")
    from_end = nlb.observed_from is not None
    times = _psth_window(session, nlb)
    return align(members, times, session.next_start_ns(), bin_ms, nlb.bins(bin_ms), from_end=from_end)


def _trials_of(aligned: Aligned, part: np.ndarray) -> np.ndarray:
    each = range(len(aligned.kept))
    return ragged([np.flatnonzero(np.isin(part, aligned.row[aligned.condition == one])) for one in each])


def _psth_window(session: Session, nlb: NLBSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    time = session.ns(nlb.align)
    if nlb.observed_from is not None:
        return session.ns(nlb.observed_from), time, time
    return time + nlb.window_ms[0] * NS_PER_MS, time + nlb.window_ms[1] * NS_PER_MS, time


def _members(session: Session, nlb: NLBSet, used: np.ndarray) -> list[np.ndarray]:
    table = np.column_stack([np.asarray(session.trials[name][used], np.float64) for name in nlb.conditions])
    table[np.isnan(table).any(axis=1)] = np.nan
    begin, end, _ = _psth_window(session, nlb)
    valid = (begin < end)[used]
    if nlb.outliers is not None:
        valid &= np.asarray(session.trials[nlb.outliers][used]) != 1
    found = [used[valid & (table == one).all(axis=1)] for one in np.unique(table[~np.isnan(table[:, 0])], axis=0)]
    return [rows for rows in found if len(rows)]


def _scored(session: Session, nlb: NLBSet, rows: np.ndarray, first: np.ndarray, bin_ms: int) -> np.ndarray:
    bins = nlb.bins(bin_ms)
    counts = binning.counts(_heldout(session), first, bins, bin_ms)
    if nlb.observed_from is None:
        _refuse(session, rows, _unseen(counts), "expected observed held-out units in the whole window, got NaN")
        return counts
    unknown = np.isnan(session.ns(nlb.observed_from)[rows])
    _refuse(session, rows, unknown, f"expected a time in {nlb.observed_from}, got NaN")
    span = binning.windows(session.ns(nlb.observed_from)[rows], session.ns(nlb.align)[rows], bin_ms)
    place = first[:, None] + np.arange(bins)
    inside = (place >= span.first[:, None]) & (place < (span.first + span.count)[:, None])
    scored = np.where(inside[:, :, None], counts.astype(np.float64), np.nan)
    gaps = (np.isnan(scored).all(axis=2) & inside).any(axis=1)
    _refuse(session, rows, gaps, f"expected observed held-out units from {nlb.observed_from} on, got NaN")
    return scored


def _both(session: Session, first: np.ndarray, bins: int, bin_ms: int, key: str) -> Tensors:
    tensors = {}
    for group, spikes in (("heldin", session.heldin), ("heldout", _heldout(session))):
        counts = binning.counts(spikes, first, bins, bin_ms)
        if (unseen := _unseen(counts)).any():
            told = f"expected {group} units observed in whole windows of {bins} bins of {bin_ms} ms"
            reach = f"{unseen.sum()} trials reach outside obs_intervals, the first one at bin {first[unseen.argmax()]}"
            raise BadInput(f"{session.name}: {told}, but {reach}")
        tensors[key.format(group)] = counts
    return tensors


def _heldout(session: Session) -> binning.Spikes:
    if session.heldout is None:
        raise BadInput(f"{session.name}: expected held-out units, found none; a test file has no answers")
    return session.heldout


def _unseen(counts: np.ndarray) -> np.ndarray:
    return np.isnan(counts[:, :, 0]).any(axis=1)


def _refuse(session: Session, rows: np.ndarray, wrong: np.ndarray, problem: str) -> None:
    if wrong.any():
        trial = session.trials["id"][rows[wrong.argmax()]] if "id" in session.trials else rows[wrong.argmax()]
        raise BadInput(f"{session.name}: {wrong.sum()} of {len(rows)} trials, first trial {trial}: {problem}")
