import pytest

from raysp.config import code_hash
from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.io import files
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import check_code, run_trial


def test_a_process_with_other_code_than_a_trial_was_planned_with_refuses_it(tmp_path):
    trial = Trial("mean_rate", {}, None, "a", "0" * 64, code="0" * 64)
    with pytest.raises(NotReady, match=r"mean_rate on .* is not the one that mean_rate_a_s0_.* was planned with"):
        run_trial(trial, Setting(run=str(tmp_path), root=str(tmp_path)))
    assert files.listing(str(tmp_path)) == []


@pytest.mark.parametrize("code", ["", code_hash.digest(code_hash.of_model("mean_rate"))])
def test_the_code_it_was_planned_with_or_none_that_anyone_noted_is_taken(code):
    check_code(Trial("mean_rate", {}, None, "a", "0" * 64, code=code))
