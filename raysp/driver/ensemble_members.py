"""Which trials of which runs an ensemble is made of, and why others are left out."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from raysp.collection.gather import digest_of, finished
from raysp.config import plugins
from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.words import counted, named
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder, trial_to, use_settings
from raysp.runs.roles import roles
from raysp.trials.ensemble_trial import Member

NAME = "ensemble_of_runs"
"""What the model of an ensemble is called in records."""
LEAST = 2
UNJUDGED = ". --weights all averages them without judging any"
"""What ends the sentence on why there is nothing to average."""


@dataclass(frozen=True)
class Candidate:
    """A finished trial of a run.

    Attributes:
        run: the run folder's path.
        trial: the trial.
        digest: of its predictions.
        selects_with: the validation-phase split of a test-phase one; empty otherwise.
        follows: id of the validation-phase trial whose weight it takes over; None for none.
    """

    run: str
    trial: Trial
    digest: str
    selects_with: str
    follows: str | None = None

    def member(self) -> Member:
        """Return what an ensemble's trial is given of it."""
        return {"run": self.run, "trial": trial_to(self.trial), "digest": self.digest, "follows": self.follows}


@dataclass(frozen=True)
class Gathered:
    """Members by split, those of validation-phase splits first, and sentences on what is left out."""

    members: Mapping[str, Sequence[Candidate]]
    left_out: Sequence[str]


def gather_members(
    runs: Sequence[str],
    models: Sequence[str] = (),
    splits: Sequence[str] = (),
    *,
    judged: bool = True,
    partial: bool = False,
    least: int = LEAST,
) -> Gathered:
    """Return the trials of some runs whose predictions an average can be made of, split by split.

    Args:
        runs: paths of run folders.
        models: only these; none for all.
        splits: only those that match these globs; none for all.
        judged: only what validation trials can judge; else also what was fitted to them.
        partial: take what is finished of an unfinished run.
        least: members of a split.

    Raises:
        NotReady: a run is not there, or is not finished.
        BadInput: a run is a sweep, predictions are damaged, members of a split are unlike, or none is left.
    """
    found, reasons, before = [], Counter[tuple[str, str]](), set[str]()
    for candidate in _all(runs, models, splits, partial=partial):
        reason = _unfit(candidate, judged=judged)
        if reason is None and judged and (same := _alone(candidate)) is not None:
            reason = "it came to the same with another seed" if same in before else None
            before.add(same)
        if reason is None:
            found.append(candidate)
        else:
            reasons[candidate.trial.shown, reason] += 1
    once = {(one.trial.id, one.digest): one for one in found}
    by_split: dict[str, list[Candidate]] = {}
    for one in sorted(once.values(), key=lambda one: (one.trial.id, one.digest)):
        by_split.setdefault(one.trial.split, []).append(one)
    notes = [f"left out {counted(range(count), 'trial')} of {model}: {why}" for (model, why), count in reasons.items()]
    if len(once) < len(found):
        notes.append(f"{counted(range(len(found) - len(once)), 'trial')} given more than once, counted once")
    for split, group in by_split.items():
        _check_alike(split, group)
    if judged:
        by_split = {split: _judged_alike(split, group, notes) for split, group in by_split.items()}
    return Gathered(_enough(by_split, notes, judged=judged, least=least), notes)


def _all(runs: Sequence[str], models: Sequence[str], splits: Sequence[str], *, partial: bool) -> Iterator[Candidate]:
    for path in dict.fromkeys(files.absolute(one.rstrip("/")) for one in runs):
        run = RunFolder(path)
        if run.is_sweep():
            raise BadInput(
                f"{path} is a sweep, whose trials leave no predictions to average; train its best settings first: "
                f"{use_settings(run, run.record())}"
            )
        kinds.plug(run)
        known = roles(run)
        wanted = [
            trial
            for trial in run.trials()
            if (not models or trial.shown in models)
            and (not splits or any(fnmatch.fnmatchcase(trial.split, pattern) for pattern in splits))
        ]
        if not wanted:
            raise BadInput(
                f"{path} has no trial of models {named(list(models)) or 'of any name'} on splits "
                f"{named(list(splits)) or 'of any name'}"
            )
        for trial in finished(run, wanted, partial=partial):
            selects_with = known[trial.split].selects_with
            yield Candidate(path, trial, digest_of(run, trial), selects_with, _followed(run, trial, selects_with))


def _followed(run: RunFolder, trial: Trial, selects_with: str) -> str | None:
    """Return the validation-phase trial that a test-phase one goes with: of what fits itself, the same on its split."""
    if trial.follows is not None or not selects_with:
        return trial.follows
    same = [one for one in run.trials() if one.split == selects_with and _settings(one) == _settings(trial)]
    return same[0].id if same else None


def _settings(trial: Trial) -> tuple[object, ...]:
    return trial.model, trial.hyperparameters, trial.label, trial.seed, trial.units


def _unfit(candidate: Candidate, *, judged: bool) -> str | None:
    """Return why a trial is no member: mostly, why validation trials cannot judge it, nor one that it follows."""
    trial, training = candidate.trial, candidate.trial.training
    if trial.model == NAME:
        weighed = "an ensemble, weighed on the validation trials; name the runs of its members instead"
        return weighed if judged else None
    if training is not None and training.validate_on == "eval":
        return "it was selected on evaluation trials"
    if training is None and not _is_candidate(candidate):
        return "it knows the answers"
    if not judged or candidate.follows is not None:
        return None
    seen = training is None or training.refit
    if seen and not files.exists(RunFolder(candidate.run).trial(trial.id).judged):
        how = "it fits itself to" if training is None else "it was fitted anew (training.refit) to"
        return f"{how} the validation trials too, and kept no rates of them from before; train it anew"
    return None


def _is_candidate(candidate: Candidate) -> bool:
    """Tell whether a model may be searched for: of a model of one's own, by its code in the run folder."""
    trial, run = candidate.trial, RunFolder(candidate.run)
    if not trial.plugins:
        return catalog.is_candidate(trial.model)
    before = plugins.plugged()
    plugins.use(trial.plugins, run.code)
    try:
        return catalog.is_candidate(trial.model)
    finally:
        plugins.plug(before)


def _alone(candidate: Candidate) -> str | None:
    """Return what a trial of a model that fits itself came to, whatever its seed; None of others, and where unknown.

    Such models mostly draw nothing: the same rates once per seed would weigh as many times in an average.
    """
    trial, folder = candidate.trial, RunFolder(candidate.run).trial(candidate.trial.id)
    if trial.training is not None or not files.exists(folder.metrics):
        return None
    came_to = folder.read_metrics()["validation"]
    return files.digest([trial.model, dict(trial.hyperparameters), trial.label, trial.split, trial.units, came_to])


def _check_alike(split: str, group: Sequence[Candidate]) -> None:
    """Raise BadInput where members of a split are of other data, or of other units."""
    first = group[0]
    for other in group:
        for what, here, there in (
            ("data", other.trial.data[:12], first.trial.data[:12]),
            ("units", other.trial.units, first.trial.units),
        ):
            if here != there:
                raise BadInput(
                    f"members on {split} expected the same {what}, got {first.trial.id} of {first.run} ({there}) and "
                    f"{other.trial.id} of {other.run} ({here}); leave one of them out with --models or --splits"
                )


def _judged_alike(split: str, group: Sequence[Candidate], notes: list[str]) -> list[Candidate]:
    """Return the members of a split that have the validation trials which most of them have."""
    aside = Counter(_aside(one.trial) for one in group)
    (most, _), *_ = aside.most_common()
    kept = [one for one in group if _aside(one.trial) == most]
    if len(kept) < len(group):
        others = named(sorted({one.trial.shown for one in group if one not in kept}))
        notes.append(
            f"left out {counted(range(len(group) - len(kept)), 'trial')} on {split} ({others}): other trials were set "
            "aside for validation (training.validation_every, validation_seed), so there are none to judge all by"
        )
    return kept


def _aside(trial: Trial) -> tuple[int, int | None]:
    training = trial.training or Training()
    return training.validation_every, training.validation_seed


def _enough(
    members: Mapping[str, list[Candidate]], notes: list[str], *, judged: bool, least: int
) -> dict[str, Sequence[Candidate]]:
    """Return the splits that have members to average, those first that no other needs; the others are noted."""
    found: dict[str, Sequence[Candidate]] = {}
    for split, group in sorted(members.items(), key=lambda item: item[1][0].selects_with != ""):
        before = {(one.run, one.trial.id) for one in found.get(group[0].selects_with, ())}
        alone = not judged or not group[0].selects_with
        following = group if alone else [one for one in group if (one.run, one.follows) in before]
        if len(following) < least:
            told = f"left out {split}: an average expected at least {least} members, got {len(following)}"
            notes.append(told + ("" if alone else f" that follow one on {group[0].selects_with}"))
        else:
            found[split] = following
    if not found:
        raise BadInput(f"nothing to average: {'; '.join(notes)}{UNJUDGED if judged else ''}")
    return found
