import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from raysp.search.optuna_trials import write_journal
from raysp.search.result import read_result
from tests.search import made_up


def test_the_journal_opens_in_optuna_with_every_candidate(tmp_path):
    made = made_up.study(tmp_path)
    one = made_up.active(made, 15)
    made_up.work(one, fails=lambda trial: trial.hyperparameters["hidden"] > 200)
    path = write_journal(read_result(made))
    storage = JournalStorage(JournalFileBackend(path))
    study = optuna.load_study(study_name=made.name, storage=storage)
    assert [trial.user_attrs["candidate"] for trial in study.trials] == list(range(15))
    best = min(made_up.loss_of(made.trial(c, 0)) for c in made.candidates() if c.params["model.hidden"] <= 200)
    assert study.best_value == pytest.approx(best)
    assert {trial.state for trial in study.trials} <= {TrialState.COMPLETE, TrialState.FAIL}
