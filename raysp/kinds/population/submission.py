"""Submission files of the Neural Latents Benchmark: the rates of one model on all its splits of a phase, as HDF5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import h5py
import numpy as np

import raysp
from raysp.collection.gather import digest_of, finished
from raysp.config.experiment import Trial
from raysp.data.formats.hdf5 import new_hdf5, opened, write_array
from raysp.data.nlb import sets as nlb_sets
from raysp.data.splits import store
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput, present, unknown
from raysp.io import files
from raysp.kinds.population.metrics import CEILING, FLOOR
from raysp.kinds.population.rates_file import PARTS, read_header, read_rates
from raysp.runs.folder import RunFolder
from raysp.runs.roles import roles

HALVES = ("heldin", "heldout")


@dataclass(frozen=True)
class Group:
    """One split of a submission.

    Attributes:
        name: the benchmark's name of the data set and bin width, e.g. "mc_maze_20".
        split: the split's name.
        phase: "val" or "test".
        standin: the data were generated.
        heldin: held-in units.
        forward: the model predicts the bins after the observed ones.
        trials: one trial per seed; their rates are averaged.
    """

    name: str
    split: str
    phase: str
    standin: bool
    heldin: int
    forward: bool
    trials: tuple[Trial, ...]


def submissions(
    run: RunFolder,
    root: str,
    *,
    model: str | None = None,
    seeds: Literal["mean"] | int = "mean",
    partial: bool = False,
) -> list[str]:
    """Write a run's submissions: a file per phase, and files of their own for generated (stand-in) data.

    A file holds the rates in expected spikes per bin, float32, in a group per split, under the benchmark's names. It
    comes from the predictions of the best checkpoint in evaluation mode, and every shape is checked against the
    prepared split before anything is written.

    Args:
        run: the run.
        root: the data root with the prepared splits.
        model: whose rates; by default as `choose_model` says.
        seeds: "mean" averages the rates of all seeds; a number takes that seed.
        partial: leave out what is not finished.

    Returns:
        The files written, validation phase first.

    Raises:
        NotReady: trials of the model are not finished and `partial` is False; a split is not prepared.
        BadInput: no benchmark splits; an ambiguous model; an unknown seed; only a unit subset was trained; predictions
            that do not fit the prepared split.
        OSError: the disk is full; a submission that was there stays as it was.
    """
    done = finished(run, of_choice(run, model, seeds), partial=partial)
    by_split: dict[str, list[Trial]] = {}
    for trial in done:
        by_split.setdefault(trial.split, []).append(trial)
    groups = [_group(run, root, trials) for trials in by_split.values()]
    written = []
    for phase in nlb_sets.PHASES:
        for standin in (False, True):
            members = [group for group in groups if (group.phase, group.standin) == (phase, standin)]
            if members:
                written.append(run.submission(phase, standin=standin))
                _write(run, written[-1], members, seeds)
    return written


def of_choice(run: RunFolder, model: str | None = None, seeds: Literal["mean"] | int = "mean") -> list[Trial]:
    """Return the trials that a submission is made of, finished or not; arguments and errors as of `submissions`."""
    planned = _benchmark_trials(run)
    chosen = choose_model(run, planned, model)
    return _of_seeds([trial for trial in planned if trial.shown == chosen], seeds)


def whose(path: str) -> str:
    """Return whose rates are in a submission, e.g. "sae, mean over 2 seeds"."""
    with opened(path) as file:
        model, seeds = file.attrs["model"], file.attrs["seeds"]
        counts = sorted({len(file[group].attrs["trials"]) for group in file})
    if seeds != "mean":
        return f"{model}, seed {seeds}"
    many = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    return f"{model}, {'one seed' if counts == [1] else f'mean over {many} seeds'}"


def stale(run: RunFolder) -> list[str]:
    """Return a run's submission files that hold a trial that is not finished, or not the experiment's, any more."""
    trials = run.trials()
    states = run.states(trials)
    present = {trial.id for trial in trials if states[trial.id] == "done"}
    paths = [run.submission(phase, standin=standin) for phase in nlb_sets.PHASES for standin in (False, True)]
    return [path for path in paths if files.exists(path) and not _made_of(path) <= present]


def _made_of(path: str) -> set[str]:
    try:
        with opened(path) as file:
            return {str(name) for group in file for name in file[group].attrs.get("trials", ())}
    except BadInput:
        # Nobody can tell what is in it.
        return {path}


def choose_model(run: RunFolder, trials: Sequence[Trial], model: str | None = None) -> str:
    """Return the model that a submission is made of.

    Without a name it is the one model that is neither floor nor ceiling, of populations their best member; if there are
    several, the one of them that was trained by gradient descent, since the others are there to compare it with. Two of
    those are as good as each other to a program, and a guess could send the wrong one: then a name is asked for.

    Raises:
        BadInput: the model is not in the run, or several could be meant.
    """
    present = list(dict.fromkeys(trial.shown for trial in trials))
    if model is not None:
        if model not in present:
            raise unknown(f"model on the benchmark splits of {run.path}", model, present)
        return model
    whole = run.record()
    if best := [trial.shown for trial in trials if trial.id in whole.get("populations", {})]:
        present = list(dict.fromkeys(best))
    record = whole.get("experiment") or {}
    bounds = record.get("floor") or FLOOR, record.get("ceiling") or CEILING
    candidates = [name for name in present if name not in bounds] or present
    trained = [name for name in candidates if any(t.shown == name and t.training is not None for t in trials)]
    for names in (candidates, trained):
        if len(names) == 1:
            return names[0]
    raise BadInput(
        f"{run.path} has several models that could be submitted ({', '.join(trained or candidates)}); "
        f"name one: raysp collect {run.typed} --model {(trained or candidates)[0]} (or --no-submission)"
    )


def shapes(sizes: Sizes, trials: Mapping[str, int], *, forward: bool) -> dict[str, tuple[int, int, int]]:
    """Return the arrays of a group and their shapes (trials, bins, units).

    Args:
        sizes: the split's.
        trials: "train" and "eval" -> number of trials.
        forward: with the rates of the bins after the observed ones.
    """
    units = {"heldin": sizes.heldin, "heldout": sizes.heldout}
    names = {f"{part}_rates_{half}": (trials[part], sizes.bins, units[half]) for part in PARTS for half in HALVES}
    if forward:
        names |= {f"eval_rates_{half}_forward": (trials["eval"], sizes.forward, units[half]) for half in HALVES}
    return names


def _benchmark_trials(run: RunFolder) -> list[Trial]:
    planned, known = run.trials(), roles(run)
    trials = [trial for trial in planned if known[trial.split].benchmark]
    if not trials:
        names = ", ".join(dict.fromkeys(trial.split for trial in planned)) or "none"
        raise BadInput(
            f"{run.path} has no split of the Neural Latents Benchmark (its splits: {names}), so nothing to submit; "
            "its predictions are in the Parquet dataset (raysp collect --no-submission)"
        )
    whole = [trial for trial in trials if trial.units is None]
    if not whole:
        raise BadInput(
            f"{run.path} was trained on a unit subset, and the benchmark asks for all units; "
            "run the experiment without `units` to submit it (raysp collect --no-submission gathers the subset's)"
        )
    return whole


def _of_seeds(trials: list[Trial], seeds: Literal["mean"] | int) -> list[Trial]:
    if seeds == "mean":
        return trials
    chosen = [trial for trial in trials if trial.seed == seeds]
    missing = {trial.split for trial in trials} - {trial.split for trial in chosen}
    if missing:
        known = sorted({trial.seed for trial in trials if trial.split in missing})
        raise BadInput(f"seed expected one of {known} on {sorted(missing)[0]}, or 'mean', got {seeds!r}")
    return chosen


def _group(run: RunFolder, root: str, trials: list[Trial]) -> Group:
    """Return the group of one split, after checking all its trials against the prepared split."""
    split = trials[0].split
    prepared = store.header(root, split)
    sizes = prepared.sizes
    forward = []
    for trial in trials:
        store.same_data(root, trial)
        digest_of(run, trial)
        header = read_header(run.trial(trial.id).predictions)
        found = shapes(header.sizes, {part: header.trials.get(part, 0) for part in PARTS}, forward=True)
        expected = shapes(sizes, prepared.trials, forward=True)
        if found != expected:
            wrong = next(name for name in expected if found[name] != expected[name])
            raise BadInput(f"{trial.id}: {wrong} expected shape {expected[wrong]}, got {found[wrong]}")
        forward.append("eval" in header.forward)
    return Group(
        name=nlb_sets.group_name(sizes.dataset, sizes.bin_ms),
        split=split,
        phase=prepared.role.phase,
        standin=trials[0].standin or prepared.provenance.standin,
        heldin=sizes.heldin,
        forward=all(forward) and sizes.forward > 0,
        trials=tuple(trials),
    )


def _write(run: RunFolder, path: str, groups: list[Group], seeds: Literal["mean"] | int) -> None:
    with new_hdf5(path) as file:
        first = groups[0]
        file.attrs.update({"raysp": raysp.__version__, "model": first.trials[0].shown, "seeds": seeds, "run": run.name})
        file.attrs.update({"phase": first.phase, "standin": first.standin})
        for group in groups:
            out = file.create_group(group.name)
            out.attrs["split"] = group.split
            out.attrs["data"] = group.trials[0].data
            out.attrs["trials"] = [trial.id for trial in group.trials]
            _write_group(run, out, group)


def _write_group(run: RunFolder, out: h5py.Group, group: Group) -> None:
    # One part at a time: at 5 ms a part of the largest recording is 180 MB.
    for part in PARTS:
        rates, forward = _mean_rates(run, group, part)
        _write_halves(out, f"{part}_rates_{{}}", rates, group.heldin)
        if part == "eval" and forward is not None:
            _write_halves(out, "eval_rates_{}_forward", forward, group.heldin)


def _write_halves(out: h5py.Group, name: str, rates: np.ndarray, heldin: int) -> None:
    write_array(out, name.format("heldin"), rates[..., :heldin])
    write_array(out, name.format("heldout"), rates[..., heldin:])


def _mean_rates(run: RunFolder, group: Group, part: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the mean over seeds of (trials, bins, units), and of the forward bins; one seed passes unchanged."""
    total: np.ndarray | None = None
    total_forward: np.ndarray | None = None
    for trial in group.trials:
        rates, forward = read_rates(run.trial(trial.id).predictions, part)
        if len(group.trials) == 1:
            return rates, forward if group.forward else None
        total = _added(total, rates)
        if part == "eval" and group.forward:
            total_forward = _added(total_forward, present(forward))
    count = len(group.trials)
    for array in (total, total_forward):
        if array is not None:
            np.divide(array, count, out=array)
    return present(total), total_forward


def _added(total: np.ndarray | None, more: np.ndarray) -> np.ndarray:
    return more.astype(np.float64) if total is None else np.add(total, more, out=total)
