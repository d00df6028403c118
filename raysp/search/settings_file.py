"""settings.yaml: the best settings of each model and split of a finished sweep; an experiment takes them over."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from raysp.config import code_hash, settings
from raysp.config.experiment import STANDIN, Experiment, ModelChoice, Recording, in_present_words
from raysp.config.settings import Plain
from raysp.data.sources.catalog import role
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady, expect, present
from raysp.io import files
from raysp.io.words import counted, named
from raysp.io.yaml_files import read_yaml, write_yaml
from raysp.runs.folder import RunFolder
from raysp.search.result import Result, read_result, unfinished
from raysp.search.space_check import FIXED, parted
from raysp.search.study import read_studies

BEST = {"data": str, "hyperparameters": Mapping, "training": Mapping}


class Best(TypedDict, total=False):
    """The best settings of a model on a split.

    Attributes:
        objective: what chose them.
        value, sd: of it, mean and standard deviation over `seeds`.
        defaults: the same of the experiment's own settings.
        candidate, of: its number, and how many there were.
        data: fingerprint of the split.
        code: digest of the files that computed it.
        searched: names of the settings that varied.
        front: with several objectives, candidates that no other one dominates.
    """

    objective: str
    value: float
    sd: float | None
    seeds: list[int]
    defaults: float | None
    candidate: int
    of: int
    data: str
    code: str
    hyperparameters: Mapping[str, Plain]
    training: Mapping[str, Plain]
    searched: list[str]
    front: list[dict[str, float]]


@dataclass(frozen=True)
class BestSettings:
    """What a sweep found best.

    Attributes:
        sweep: the sweep's folder or file, for messages.
        models: model -> full split name -> its best settings.
    """

    sweep: str
    models: Mapping[str, Mapping[str, Best]]


def write_settings(run: RunFolder, results: list[Result], commit: str) -> str | None:
    """Write a sweep's settings.yaml when all its studies are finished; return its path, or None.

    Whole settings are written, not only those that varied, so that the trial that uses them is the one that won. What
    a search cannot vary (refit, validation trials) stays with the experiment that takes them.
    """
    if not all(result.finished and result.winner is not None for result in results):
        return None
    models: dict[str, dict[str, Best]] = {}
    for result in results:
        definition = result.study.definition
        models.setdefault(definition.model, {})[definition.split] = _best(result, present(result.winner))
    found = {"sweep": run.name, "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "commit": commit, "models": models}
    write_yaml(run.settings, found)
    return run.settings


def read_settings(path: str, candidate: int | None = None) -> BestSettings:
    """Read the best settings from a sweep's run folder, or from a copy of its settings.yaml.

    Args:
        path: the folder or the copy.
        candidate: another candidate than the best, of a sweep with several objectives one that no other dominates;
            None for the best.

    Raises:
        NotReady: the sweep is not finished, or the folder holds none.
        BadInput: the file is damaged or something else; or there is no such candidate with a score.
    """
    if candidate is not None:
        return _of_candidate(path, candidate)
    run = RunFolder(path.rstrip("/"))
    if not path.endswith((".yaml", ".yml")) and files.exists(run.experiment) and run.record().get("kind") == "pbt":
        if not files.exists(run.settings):
            raise NotReady(f"{path}: no population is over; run the command that started them again")
        path = run.settings
    elif not path.endswith((".yaml", ".yml")):
        results = [read_result(study) for study in read_studies(run)]
        if not all(result.finished for result in results):
            raise unfinished(results)
        if not files.exists(run.settings):
            names = [result.study.name for result in results if result.winner is None]
            raise NotReady(f"{path} found no settings, since no candidate of {', '.join(names) or 'it'} ended well")
        path = run.settings
    found = read_yaml(path)
    models = found.get("models") if isinstance(found, dict) else None
    if not isinstance(models, dict) or not all(isinstance(splits, dict) for splits in models.values()):
        raise BadInput(f"{path} expected a sweep's settings.yaml (models -> splits -> settings), got something else")
    for model, splits in models.items():
        for split, best in splits.items():
            known = in_present_words(best) if isinstance(best, dict) else {}
            if not BEST.keys() <= known.keys():
                raise BadInput(f"{path}: {model} on {split} expected {', '.join(BEST)}, got {str(best)[:200]}")
            splits[split] = settings.check_kinds(known, BEST, f"{path}: {model} on {split}")
    return BestSettings(path, models)


def adopt(experiment: Experiment, best: BestSettings, splits: list[str]) -> tuple[Experiment, list[str]]:
    """Return the experiment with the best settings of every split of its own that the sweep covered.

    Args:
        experiment: whose models take the settings.
        best: what the sweep found.
        splits: full names of the splits that the experiment is about to run; a test-phase split takes the settings
            of its validation phase.

    Returns:
        The experiment, and lines that say what was taken and which splits keep their own settings.

    Raises:
        BadInput: the sweep's models are not the experiment's, or none of the splits was swept.
    """
    choices = {choice.shown: choice for choice in experiment.models}
    shared = {model: shown for model in best.models if (shown := _taker(model, choices, best)) is not None}
    if not shared:
        names = dict.fromkeys(choice.name for choice in experiment.models)
        raise BadInput(
            f"{best.sweep} has settings for {', '.join(best.models)}, and experiment {experiment.name} has "
            f"{', '.join(names)}; expected a model in common"
        )
    lines, source = [], {split: partner(split, experiment.recordings) for split in splits}
    for model, shown in shared.items():
        swept = best.models[model]
        taken = [split for split in splits if source[split] in swept]
        expect(taken, _foreign(best, model, swept, list(source.values())))
        for split in taken:
            choices[shown] = _with(choices[shown], split, swept[source[split]])
        own = [split for split in splits if split not in taken]
        lines.append(f"{model}: settings of {best.sweep} on {counted(taken, 'split')}")
        now = code_hash.digest(code_hash.of_model(model, choices[shown].hyperparameters))
        if any(swept[source[split]].get("code") not in (None, "", now) for split in taken):
            lines.append(f"{model}: they were found with other code of {model} than today's, and may not be its best")
        if own:
            lines.append(f"{model}: the experiment's own settings on {counted(own, 'split')} not swept ({named(own)})")
    return dataclasses.replace(experiment, models=tuple(choices.values())), lines


def _taker(model: str, choices: Mapping[str, ModelChoice], best: BestSettings) -> str | None:
    """Return what the model is called that takes settings: the one without a label, else the only one; None for none.

    Raises:
        BadInput: it comes several times, each under a label.
    """
    found = [shown for shown, choice in choices.items() if choice.name == model]
    if len(found) > 1 and model not in found:
        told = f"{best.sweep} has settings of {model}, which comes as {named(found)}: nothing tells which takes them"
        raise BadInput(f"{told}; leave the label of one out")
    return model if model in found else next(iter(found), None)


def partner(split: str, own: Sequence[Recording] = ()) -> str:
    """Return whose settings a split takes: those of its validation phase. `own` are recordings of the experiment."""
    return role(split, own).selects_with or split


def check_data(best: BestSettings, splits: list[str], root: str) -> None:
    """Refuse settings that were found on other data than those below `root`.

    Raises:
        BadInput: a split has changed since the sweep.
        NotReady: a split is not prepared.
    """
    for model, swept in best.models.items():
        sources = {store.header(root, name).role.selects_with or name for name in splits}
        for split in sources & set(swept):
            there = store.header(root, split).fingerprint
            if there != swept[split]["data"]:
                raise BadInput(
                    f"{best.sweep}: {model} was swept on other data called {split} ({swept[split]['data'][:12]}, below "
                    f"{root!r} lies {there[:12]}); sweep it again on these data"
                )


def _of_candidate(path: str, number: int) -> BestSettings:
    if path.endswith((".yaml", ".yml")):
        raise BadInput(f"{path} holds the best settings alone; for candidate {number} expected the sweep's folder")
    results = [read_result(study) for study in read_studies(RunFolder(path.rstrip("/")))]
    if not all(result.finished for result in results):
        raise unfinished(results)
    models: dict[str, dict[str, Best]] = {}
    for result in results:
        of = result.study
        if number not in result.order:
            ended = named([str(one) for one in sorted(result.order)])
            raise BadInput(f"{path}: {of.name} has no candidate {number} that ended with a score; expected {ended}")
        models.setdefault(of.definition.model, {})[of.definition.split] = _best(result, number)
    return BestSettings(f"candidate {number} of {path}", models)


def _best(result: Result, number: int) -> Best:
    definition = result.study.definition
    parts = parted(definition.space.complete(result.candidates[number].params, definition.base))
    final = result.finals.get(number)
    final = final if final is not None and final.state == "done" else None
    score, name = final or result.scores[number], definition.objectives[0]
    defaults = result.scores[0].values.get(name) if result.candidates[0].source == "defaults" else None
    training = {field: value for field, value in parts["training"].items() if field not in FIXED}
    found: Best = {
        "objective": name,
        "value": score.values[name],
        "sd": score.spread.get(name),
        "seeds": list(result.finished.get("final_seeds") or definition.seeds if final else definition.seeds),
        "defaults": defaults,
        "candidate": number,
        "of": len(result.candidates),
        "data": definition.data,
        "code": code_hash.digest(definition.code) if definition.code else "",
        "hyperparameters": parts["model"],
        "training": training,
        "searched": [entry.name for entry in definition.space.entries],
    }
    if result.front:
        found["front"] = [
            {"candidate": n, **{k: result.scores[n].values[k] for k in definition.objectives}} for n in result.front
        ]
    return found


def _with(choice: ModelChoice, split: str, best: Best) -> ModelChoice:
    changes = {"hyperparameters": dict(best["hyperparameters"]), "training": dict(best["training"])}
    bare = split.removeprefix(STANDIN)
    # Behind all others, since later patterns win.
    others = {pattern: given for pattern, given in choice.per_split.items() if pattern != bare}
    return dataclasses.replace(choice, per_split={**others, bare: changes})


def _foreign(best: BestSettings, model: str, swept: Mapping[str, Best], splits: list[str]) -> str:
    other = {name.removeprefix(STANDIN) for name in swept} & {name.removeprefix(STANDIN) for name in splits}
    if other:
        kind = "generated stand-ins" if any(name.startswith(STANDIN) for name in swept) else "real recordings"
        return (
            f"{best.sweep}: {model} was swept on {kind} ({', '.join(list(swept)[:3])}), and these splits are not; "
            "settings do not pass from one to the other"
        )
    return (
        f"{best.sweep} has settings of {model} for {', '.join(list(swept)[:3])}, and none for "
        f"{', '.join(splits[:3])}; sweep these, or choose others with --splits"
    )
