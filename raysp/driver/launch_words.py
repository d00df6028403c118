"""What `raysp run` tells a person of trials: left out, of an earlier form, failed, outside of what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raysp.cluster.events import State
from raysp.config.experiment import Experiment, ModelChoice, Trial
from raysp.driver.ending import say_next
from raysp.driver.form import Form, lines
from raysp.driver.plan import Plan, settings_on
from raysp.driver.record import again, widened
from raysp.errors import last_line
from raysp.io import files
from raysp.io.words import counted, named
from raysp.runs.folder import RunFolder
from raysp.search.settings_file import Best, BestSettings, partner
from raysp.search.space_check import flat


def say_replaced(
    before: Experiment, now: Experiment, best: BestSettings, splits: Sequence[str], say: Callable[[str], None]
) -> None:
    """Say which values of an experiment give way to a sweep's though the sweep did not search them.

    Args:
        before: the experiment as it was.
        now: the experiment with the sweep's settings.
        best: what the sweep found.
        splits: full names of those that run.
        say: prints one line for a person.
    """
    for mine, taken in zip(before.models, now.models, strict=True):
        swept = best.models.get(mine.name, {})
        together: dict[str, list[str]] = {}
        source = {split: partner(split, before.recordings) for split in splits}
        for split in (split for split in splits if mine is not taken and source[split] in swept):
            changes = _replaced(before, (mine, taken), split, swept[source[split]])
            together.setdefault(changes, []).append(split)
        for changes, where in together.items():
            if changes:
                say(f"{mine.shown} on {named(where)}: also {changes}, as the sweep had it")


def _replaced(experiment: Experiment, choices: tuple[ModelChoice, ModelChoice], split: str, best: Best) -> str:
    before, now = (flat(*settings_on(experiment, choice, split)) for choice in choices)
    beyond = [name for name in now if name not in best.get("searched", ()) and before.get(name) != now[name]]
    return ", ".join(f"{name.partition('.')[2]} {before.get(name)} -> {now[name]}" for name in beyond)


def say_form(run: RunFolder, form: Form, say: Callable[[str], None]) -> None:
    """Say which trials are left from before, and which of other code are accepted now."""
    for line in lines(form):
        say(f"  {line}")
    for one in run.record()["accepted"][-len(form.accepted) :] if form.accepted else ():
        changed = ", ".join(one["files"]) or "of which nothing was noted"
        say(f"  accepted     {one['model']}: results of other code ({changed}) stand for today's, says {one['who']}")


def say_outside(others: list[Trial], run: RunFolder, say: Callable[[str], None]) -> None:
    """Say which trials of the experiment are not finished that this command did not ask for."""
    if not others:
        return
    states, are = run.states(others), "is" if len(others) == 1 else "are"
    failed = sum(states[trial.id] == "failed" for trial in others)
    models = ",".join(dict.fromkeys(trial.shown for trial in others))
    shown = ", ".join(trial.id for trial in others[:3]) + (", ..." if len(others) > 3 else "")
    say(
        f"  beside what was asked for, {counted(others, 'trial')} of this experiment {are} not finished, {failed} "
        f"failed ({shown}), and are in none of these files; run them with: {widened()} --models {models}"
        + (" --retry" if failed else "")
    )


def show_failure(
    run: RunFolder, failed: list[Trial], states: dict[str, State], say: Callable[[str], None], *, timed: bool = False
) -> None:
    """Show the first failure, and say what to type; of a run whose time was over it may be that there is none."""
    for trial in failed:
        folder = run.trial(trial.id)
        there = files.exists(folder.error)
        text = files.read_text(folder.error) if there else states[trial.id]["error"] if trial.id in states else ""
        if text:
            say(f"\nthe first failure, {trial.id}:\n  {last_line(text)}")
            say(f"  its traceback: {folder.error}\n" if there else "")
            break
    else:
        if timed:
            say(f"  {counted(failed, 'trial')} had no time to finish: more minutes go on with them")
            return
    are = "is" if len(failed) == 1 else "are"
    say(f"{counted(failed, 'trial')} {are} not finished; the others are kept")
    say_next(
        {
            f"{again()} --retry": "the same once more, with what failed",
            f"raysp collect {run.typed} --partial": "what the others predicted",
        },
        say,
    )


def say_left_out(plan: Plan, say: Callable[[str], None]) -> None:
    """Say which models do not go with which splits."""
    together: dict[tuple[str, str], list[str]] = {}
    for model, split, reason in plan.left_out:
        together.setdefault((model, reason), []).append(split)
    for (model, reason), splits in together.items():
        where = splits[0] if len(splits) == 1 else f"{len(splits)} splits"
        say(f"  left out {model} on {where}: {reason}")
