"""The best model of a recording in the time one has: a search over models, the winners trained anew, one report."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.config import settings
from raysp.config.experiment import Experiment
from raysp.config.own_code import adopted
from raysp.config.ranges import Count, Natural, Positive
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.driver.best_average import averaged
from raysp.driver.best_choices import choices, objective, spaces
from raysp.driver.best_finals import Finals, final_run, finals
from raysp.driver.best_report import summary, write_best_report
from raysp.driver.best_story import Story
from raysp.driver.launch import Request, check_place, check_places, choose_splits, launch, prepare_data, run_folder
from raysp.driver.plan import with_sets
from raysp.driver.read_first import read_first
from raysp.driver.sweep import Asked, Search, planned, run_sweep
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.runs.lock import locked
from raysp.search.active_study import Amount
from raysp.search.clock import Clock
from raysp.search.result import Result

if TYPE_CHECKING:
    from raysp.cluster.machines import Machines

Say = Callable[[str], None]

SEARCH = "search"
"""What its sweep is called."""

SEARCHING = 0.6
"""Share of the time that the search has; the rest is for training its best anew, scores and report."""

LONGEST = 8
"""A candidate never takes more than one in so many parts of the time: trained anew it takes twice as long, and that has
to go into what the search leaves.
"""

RESERVE, LEAST_RESERVE_S, MOST_RESERVE_S = 0.1, 20.0, 150.0
"""Share of the time that the average, scores and reports have, and its bounds."""

LENIENT = 2.0
"""What baselines may take that are trained anew when there is no time left, in multiples of what they should."""

FIRST_RUNG = 9
"""ASHA looks at a candidate first when one in so many of its model's own epochs are over."""


@dataclass(frozen=True)
class Best:
    """What is asked of a search for the best model.

    Attributes:
        minutes: of wall time, over all commands that worked on it.
        models: only these; none for all of the recording's kind that go with it.
        spaces: paths of search spaces of one's own, each in place of the one that ships for its model.
        seeds: the best are trained anew once per seed, as far as time allows.
        seed: of the candidates.
    """

    minutes: Positive = 30.0
    models: tuple[str, ...] = ()
    spaces: tuple[str, ...] = ()
    seeds: Count = 3
    seed: Natural = 0

    def __post_init__(self) -> None:
        settings.check(self, "best")


def best(experiment: Experiment, asked: Best, request: Request, say: Say) -> Story:
    """Find the best model of one split; the same call again goes on, and with more minutes extends.

    All models that go with the data are compared by one number of validation trials, which are taken from the training
    part; evaluation trials choose nothing. Floors and baselines come first, then every model's defaults, then models
    and settings by successive halving. The best are trained anew, over seeds, and averaged with each other.

    Args:
        experiment: gives the split, and the models with the settings to begin with.
        asked: how long, over what.
        request: as of a run; `models` and `settings` are not used.
        say: prints one line for a person.

    Returns:
        What was found; its page is `report/report.html` in the folder, beside the search and the run it is about.

    Raises:
        BadInput, NotReady: before anything was trained; or no model ended in the time.
    """
    from raysp.cluster.session import session

    check_places(request)
    experiment = with_sets(adopted(experiment), request.sets)
    names = choose_splits(experiment, request)
    if len(names) != 1:
        raise BadInput(f"expected one recording, got the splits {', '.join(names[:5])}; choose one with --splits")
    read_first(experiment, names[0], request.root)
    run = run_folder(dataclasses.replace(experiment, name=f"best-{experiment.name}"), names, request.runs)
    check_place(run, request)
    search = run_folder(dataclasses.replace(experiment, name=SEARCH), names, run.path)
    request = dataclasses.replace(request, runs=run.path, sets=(), splits=(), models=(), settings=None)
    with locked(run):
        searched_s = files.join(search.path, "clock.json")
        # Before anything is started: what that takes is of the time, too.
        clock = Clock(files.join(run.path, "clock.json"), asked.minutes, [searched_s], anew=request.force)
        with session(experiment.resources, verbose=request.verbose) as machines:
            try:
                prepare_data(experiment, names, request, say)
                own = dataclasses.replace(request, force=False)
                work = _Work(run, experiment, names[0], asked, own, clock, searched_s, say, machines, request.force)
                return work.done()
            finally:
                clock.save()


@dataclass(frozen=True)
class _Work:
    """A search for the best model that goes on: what it is about, the time it has, where the search keeps its own."""

    run: RunFolder
    experiment: Experiment
    split: str
    asked: Best
    request: Request
    clock: Clock
    searched_s: str
    say: Say
    machines: Callable[[], Machines]
    anew: bool = False

    def done(self) -> Story:
        """Search, train the best anew, and write the report."""
        header = store.header(self.request.root, self.split)
        models, left_out = choices(self.experiment, self.asked.models, header)
        for model, why in left_out.items():
            self.say(f"  left out {model}: {why}")
        if self.anew:
            self._throw_away()
        experiment = dataclasses.replace(self.experiment, models=models, seeds=(0,))
        results = self._searched(experiment, header)
        self.clock.save()
        found = self._finals(experiment, header, results)
        self.clock.save()
        average = averaged(final_run(self.run, found, self.split), self.request.root, self.say)
        story = Story(self.run, self.asked.minutes, tuple(results), found, left_out, self.clock.seconds, average)
        self.say(f"  best         {write_best_report(story)}")
        for line in summary(story):
            self.say(line)
        return story

    def _throw_away(self) -> None:
        """Remove what the folder has: search, trainings, average and page are of each other."""
        for path in (files.join(self.run.path, name) for name in files.listing(self.run.path)):
            if path not in (self.run.lock, self.run.holder):
                files.remove(path)

    def _searched(self, experiment: Experiment, header: Header) -> list[Result]:
        names, kind = [choice.name for choice in experiment.models], kinds.of(header.kind)
        found, minutes = spaces(names, self.asked.spaces), self.asked.minutes
        search = Search(
            space=self.asked.spaces or ("those that ship with raysp",),
            seed=self.asked.seed,
            objectives=(objective(kind, header, kind.units(experiment, header), names),),
            rungs_from=FIRST_RUNG,
            amount=Amount(minutes=self._searching()),
            limit_s=60 * minutes / LONGEST,
            sharp=True,
            page=False,
        )
        # What it says of itself at its end, the page says of it.
        sweep = planned(dataclasses.replace(experiment, name=SEARCH), found, search, self.request, lambda text: None)
        self._check_part(sweep, header)
        results = run_sweep(sweep)
        if not any(result.order for result in results):
            raise NotReady(
                f"no model ended within {minutes:g} minutes, so that nothing can be compared: the same command with "
                "more --minutes goes on"
            )
        return results

    def _searching(self) -> float:
        """Return the minutes that the search has, over all commands: its share of all, and of what is left of it."""
        before = Clock(self.searched_s, None).seconds
        return max(min(SEARCHING * 60 * self.asked.minutes, before + SEARCHING * self.clock.left), 1.0) / 60

    def _check_part(self, sweep: Asked, header: Header) -> None:
        """Refuse data whose validation trials can judge nothing, or of which there are none; nothing is trained yet."""
        from raysp.training.job import Job

        kind, models = kinds.of(header.kind), sorted(sweep.spaces, key=catalog.fits_itself)
        trial = sweep.definition(models[0], self.split, header).trial({}, 0)
        part = store.load_training(self.request.root, self.split)
        part = part if trial.units is None else part.select(trial.units)
        if not catalog.fits_itself(trial.model):
            kind.learner(Job(trial, device="cpu", purpose="search"), part)
        if (why := kind.unheard(trial, part)) is not None:
            raise BadInput(
                f"no model of {header.name} can be told from another: {why}; let the source hide other units (a "
                "recording's file: --data seed=1, or a larger --data heldout), leave silent ones out "
                "(--data min_rate_hz=0.1), or give more trials"
            )

    def _finals(self, experiment: Experiment, header: Header, results: list[Result]) -> Finals:
        from raysp.cluster.machines import pool_size

        # Where the search had no time left, nothing has started the machines yet.
        workers, _ = pool_size(experiment.resources, self.machines(), 10**6)
        reserve = min(max(LEAST_RESERVE_S, RESERVE * 60 * self.asked.minutes), MOST_RESERVE_S)
        found = finals(experiment, header, results, (self.clock.left - reserve) * workers, self.asked.seeds)
        names = ", ".join(place.label for place in found.members) or "no candidate, for want of time"
        self.say(f"  trained anew {names}; with baselines, {counted(found.experiment.seeds, 'seed')} each")
        # Whatever the time: without floor and baselines nothing can be said of the others.
        least = time.monotonic() + LENIENT * found.baselines_s / workers

        def late() -> bool:
            return self.clock.left < reserve and time.monotonic() > least

        request = dataclasses.replace(self.request, late=late)
        launch(found.experiment, request, self.say)
        return found
