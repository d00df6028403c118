"""Sweeps and runs in this process, one trial after the other, in place of Ray's."""

import contextlib
import pkgutil
from types import SimpleNamespace

from raysp.errors import Interrupted
from raysp.runs.trial_log import Setting
from raysp.search.study import Study
from raysp.trials.run_trial import run_trial
from raysp.trials.search_trial import search_trial

MACHINES = [{"CPU": 1.0}]


def without_ray(monkeypatch, *, ends=lambda trial: False, seconds=60.0):
    """Have the rest of a test work in this process, where each trial takes as long as it is said to.

    Args:
        monkeypatch: of the test.
        ends: tells after which trial of a sweep it is killed.
        seconds: that each trial takes, as clocks of sweeps have it.
    """
    now = [0.0]
    monkeypatch.setattr("raysp.search.clock.time", SimpleNamespace(monotonic=lambda: now[0]))

    @contextlib.contextmanager
    def session(resources, *, verbose=False):
        yield lambda: MACHINES

    def job(function, *arguments, cpus=1, **options):
        return pkgutil.resolve_name(function)(*arguments, **options)

    def jobs(
        function,
        calls,
        *,
        cpus=1,
        gpus=0.0,
        at_once=1,
        on_done=lambda i, found: None,
        more=lambda i, found: (),
        on_wait=lambda: None,
    ):
        calls, found = list(calls), []
        for i, (arguments, options) in enumerate(calls):
            found.append(job(function, *arguments, **options))
            on_done(i, found[i])
            calls += more(i, found[i])
        return found

    def work(scheduler, parts, setting, resources, machines, made_by, watch, runner="", limits=None):
        while (trial := scheduler.next()) != "over":
            watch({"kind": "start", "trial": trial.id, "note": {}})
            with contextlib.suppress(Interrupted, Exception):
                search_trial(trial, parts[trial.split], setting, made_by=made_by)
            now[0] += seconds
            watch({"kind": "done", "trial": trial.id, "note": {"outcome": scheduler.settle(trial.id)}})
            if ends(trial):
                raise KeyboardInterrupt

    def train(asked, missing, total, machines, tracker):
        setting = Setting(run=asked.run.path, root=asked.request.root)
        for trial in missing:
            if not asked.request.late():
                run_trial(trial, setting)
                now[0] += seconds
        return {}

    for place, value in {
        "raysp.cluster.session.session": session,
        "raysp.cluster.node_check.check_machines": lambda found: None,
        "raysp.cluster.node_check.expected": lambda run, root: None,
        "raysp.cluster.machines.present": lambda: MACHINES,
        "raysp.cluster.jobs.job": job,
        "raysp.cluster.jobs.jobs": jobs,
        "raysp.cluster.sweep.work": work,
        "raysp.driver.launch._train": train,
        # Stores and the figures of runs have tests of their own, and take most of the time.
        "raysp.driver.tracking.Tracker": Untracked,
        "raysp.driver.report.write_report": lambda run, root, jobs: None,
    }.items():
        monkeypatch.setattr(place, value)


class Untracked:
    """A tracking store that keeps nothing."""

    def __init__(self, *how):
        pass

    def add(self, trial, tags):
        pass

    def events(self, events):
        pass

    def close(self):
        return []


def candidates(study: Study):
    """Return what a study proposed."""
    return [(one.source, dict(one.params)) for one in study.candidates()]
