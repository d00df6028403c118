"""experiment.yaml: what was asked for, when, from which code, on which data; and the lock that one driver holds."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence

from raysp.config import code_hash, plugin, plugins, settings
from raysp.config.experiment import Experiment, Trial
from raysp.data.splits import store
from raysp.driver.form import Form, settle
from raysp.driver.plan import Plan
from raysp.io import address, files
from raysp.io.yaml_files import write_yaml
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs import inputs
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.provenance import code, commit, typed, versions
from raysp.runs.records import Accepted, OtherCode, PreparedSplit, Record, Said, Submission

ONCE = ("--retry", "--force", "--dry-run")


def write_record(
    run: RunFolder,
    experiment: Experiment,
    plan: Plan,
    root: str,
    *,
    form: Form | None = None,
    own: Experiment | None = None,
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
    record: Record = {
        "name": run.name,
        "standin": any(trial.standin for trial in form.present),
        "experiment": settings.plain(experiment),
        "form": settings.plain(own),
        "root": files.absolute(root),
        "submissions": [*earlier["submissions"], submission()],
        "data": {**earlier["data"], **{name: data(root, name) for name in names}},
        "left_out": [list(item) for item in plan.left_out],
        "code": code,
        "plugins": plugins.refs(),
        "models": {**earlier.get("models", {}), **_models(plan)},
        "accepted": [*earlier.get("accepted", ()), *(_accepted(one, code) for one in form.accepted)],
        "trials": [trial_to(trial) for trial in form.present],
        "earlier": [trial_to(trial) for trial in form.earlier],
    }
    write_yaml(run.experiment, record)
    return list(form.present)


def _models(plan: Plan) -> dict[str, Mapping[str, object]]:
    """Return what is known of a plan's models by name, so that no table or page imports one."""
    found = {trial.model: catalog.module(trial.model).Model for trial in plan.trials}
    return {name: {"kind": one.reads.kind, **kinds.of(one.reads.kind).about(one)} for name, one in found.items()}


def copy_plugins(run: RunFolder) -> None:
    """Copy the plug-ins that this process knows into a run's code, from where its workers load them."""
    for given in plugins.plugged().values():
        plugin.save(given.plugin, run.code)


def copy_inputs(run: RunFolder, trials: Iterable[Trial]) -> None:
    """Copy what trials start from of other runs into a run, from where its workers read it."""
    models = {files.digest([one.model, settings.plain(one.hyperparameters)]): one for one in trials if one.inputs}
    for one in models.values():
        inputs.keep(run, kinds.of(catalog.kind(one.model)).inputs(one.model, one.hyperparameters))


def code_of(form: Form, record: Record) -> dict[str, Mapping[str, str]]:
    """Return the files behind each digest of code of a run's trials, as far as anyone noted them."""
    found = dict(record.get("code", {}))
    for trial in (*form.planned, *form.present):
        if trial.code and trial.code not in found:
            now = code_hash.of_model(trial.model, trial.hyperparameters)
            found |= {code_hash.digest(now): dict(now)}
    for one in form.accepted:
        if one["to"] not in found:
            found[one["to"]] = dict(code_hash.of_model(one["model"], one["hyperparameters"]))
    return found


def _accepted(one: OtherCode, code: Mapping[str, Mapping[str, str]]) -> Accepted:
    changed = code_hash.differing(code.get(one["from"], {}), code.get(one["to"], {})) if one["from"] in code else []
    return {**accepted(), "model": one["model"], "from": one["from"], "to": one["to"], "files": changed}


def data(root: str, name: str) -> PreparedSplit:
    """Return what a record says of a prepared split: fingerprint, answers, recordings, notes of its preparation."""
    header = store.header(root, name)
    known: PreparedSplit = {
        "kind": header.kind,
        "fingerprint": header.fingerprint,
        "code": header.built_from.get("code", ""),
        "answers": store.answers_digest(root, name),
    }
    source: PreparedSplit = settings.plain(header.provenance)
    return {**known, **source, "role": settings.plain(header.role)}


def submission() -> Submission:
    """Return when, by what command, and from which versions something was submitted."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": _command(os.path.basename(typed()[0]), *typed()[1:]),
        "commit": commit()["commit"],
        "changed": commit()["changed"],
        "code": code(),
        "versions": versions(),
    }


def accepted() -> Said:
    """Return who says now that a change of the code changed no result."""
    user = f"user {os.getuid()}"
    with contextlib.suppress(OSError, KeyError):
        user = getpass.getuser()
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "who": f"{user} on {platform.node()}"}


def again() -> str:
    """Return this command without what belongs to this one time."""
    program, *words = typed()
    return _as_typed(program, [one for one in words if one not in ONCE])


def widened() -> str:
    """Return this command without what narrows it, and without what belongs to this one time."""
    program, *words = typed()
    kept, skip = [], False
    for one in words:
        if skip:
            skip = False
        elif one in ("--models", "--splits"):
            skip = True
        elif not one.startswith(("--models=", "--splits=")) and one not in ONCE:
            kept.append(one)
    return _as_typed(program, kept)


def _as_typed(program: str, kept: Sequence[str]) -> str:
    if program.endswith(".py"):
        return _command("python", program, *kept)
    return _command(os.path.basename(program), *kept)


def _command(program: str, *words: str) -> str:
    """Return a command as a shell reads it; a notebook's call, which stands for one, as it is."""
    return address.masked(program) if program.endswith(")") else address.masked_command([program, *words])
