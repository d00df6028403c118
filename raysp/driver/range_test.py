"""A range test of the learning rate for each model and split of an experiment, with its figure and what to do next."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable

from raysp.config.experiment import STANDIN, Experiment, Trial
from raysp.config.own_code import adopted
from raysp.data.splits import store
from raysp.driver.launch import Request, check_places, choose_splits, prepare_data, run_folder
from raysp.driver.plan import check_settings, make_plan, with_sets
from raysp.errors import BadInput, present
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.runs.folder import RunFolder
from raysp.runs.inputs import columns

Say = Callable[[str], None]


def range_tests(experiment: Experiment, request: Request, lowest: float, highest: float, steps: int, say: Say) -> None:
    """Test each trained model on each of the experiment's splits, with the first seed, in this process.

    Figures and numbers go to `runs/<experiment>/lr-range/`; the last line per model is what `raysp run` takes.

    Args:
        experiment: the models, splits and training settings.
        request: the command line.
        lowest, highest, steps: see `training.lr_range.lr_range`.
        say: prints one line for a person.

    Raises:
        BadInput, NotReady: see `launch.launch`.
    """
    from raysp.cluster.session import session

    experiment = with_sets(adopted(experiment), request.sets)
    experiment = experiment.choose(request.models) if request.models else experiment
    experiment = dataclasses.replace(experiment, seeds=experiment.seeds[:1])
    check_settings(experiment)
    check_places(request)
    names = choose_splits(experiment, request)
    with session(experiment.resources, verbose=request.verbose):
        prepare_data(experiment, names, request, say)
    run = run_folder(experiment, names, request.runs)
    plan = make_plan(experiment, names, request.root)
    trials = [trial for trial in plan.trials if trial.training is not None and trial.follows is None]
    if not trials:
        shown = ", ".join(choice.shown for choice in experiment.models)
        raise BadInput(f"a range test expected a model that gradient descent fits, and none of {shown} is one there")
    for trial in trials:
        _test(trial, run, request, (lowest, highest, steps), say)


def _test(trial: Trial, run: RunFolder, request: Request, steps: tuple[float, float, int], say: Say) -> None:
    from raysp.driver.lr_figure import lr_picture
    from raysp.training.job import Job
    from raysp.training.lr_range import lr_range

    split = store.load(request.root, trial.split)
    split = split if trial.units is None else split.select(trial.units)
    lowest, highest, count = steps
    kind = kinds.of(split.kind)
    given = {name: columns(table) for name, table in kind.inputs(trial.model, trial.hyperparameters).items()}
    job = Job(trial, device=request.device, inputs=given.__getitem__)
    found = lr_range(job, lambda job: kind.learner(job, split), lowest=lowest, highest=highest, steps=count)
    path = files.join(run.path, "lr-range", trial.id)
    files.write_json(f"{path}.json", {"trial": trial.id, **dataclasses.asdict(found)})
    with files.replacing(f"{path}.png") as temporary, open(temporary, "wb") as file:
        file.write(lr_picture(found, trial.id).png)
    say(f"{trial.shown} on {trial.split}: {len(found.rates)} steps, figure {path}.png")
    if found.suggested is None:
        say("  no suggestion: the loss never fell; try a wider range")
    else:
        advice = f"raysp run {shlex.quote(request.file)} {_option(trial, found.suggested)}"
        say(f"  suggested, now {present(trial.training).learning_rate:g}: {advice}")


def _option(trial: Trial, rate: float) -> str:
    return f"--splits {trial.split.removeprefix(STANDIN)} --set {trial.shown}.training.learning_rate={rate:.3g}"
