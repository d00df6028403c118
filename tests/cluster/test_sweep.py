"""What Tune tells of processes that die, without Tune."""

from types import SimpleNamespace

import pytest

from raysp.cluster.sweep import Events, Trouble
from raysp.runs.trial_log import Setting
from raysp.search.scheduler import StudyScheduler
from tests.search import made_up


@pytest.fixture
def message(tmp_path):
    scheduler, events = StudyScheduler([made_up.active(made_up.study(tmp_path), 2)]), []
    callback = Events(Setting(str(tmp_path), ""), scheduler, events.append, Trouble(), 3)

    def tell(what, trial):
        of_tune = SimpleNamespace(config={"id": trial.id}, get_error=lambda: "The actor died.")
        getattr(callback, f"on_trial_{what}")(1, [], of_tune)
        return events[-1]

    return scheduler, tell


def test_a_trial_whose_process_died_while_it_was_handed_over_is_run_again(message):
    scheduler, tell = message
    trial = scheduler.next()
    assert tell("error", trial)["kind"] == "crash"
    assert scheduler.next().id == trial.id
    made_up.write_done(scheduler.studies[0].study.run, trial)
    assert tell("complete", trial)["note"]["outcome"].state == "done"


def test_a_trial_that_keeps_killing_its_process_is_set_aside(message):
    scheduler, tell = message
    trial = scheduler.next()
    tell("recover", trial)
    tell("error", trial)
    assert scheduler.next().id == trial.id
    event = tell("error", trial)
    assert event["kind"] == "failed"
    assert "killed its process 3 times; the last time: The actor died." in event["note"]["outcome"].error
    assert scheduler.next().id != trial.id
