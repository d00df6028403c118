from raysp.config.experiment import Trial
from raysp.report.mixed import mixed

TRIALS = [Trial("sae", {}, None, "a", "0", seed=seed, code="new" if seed else "old") for seed in range(3)]
DONE = {trial.id: {"torch": "2.8", "raysp": "1", "numpy": "2"} for trial in TRIALS}


def test_trials_of_one_code_and_version_need_no_words():
    assert mixed({}, TRIALS, DONE) == []


def test_other_versions_are_counted():
    done = DONE | {TRIALS[0].id: {"torch": "2.7", "raysp": "1"}}
    expected = "These trials were made by different versions of torch: 2.7 (1 trial), 2.8 (2 trials)"
    assert mixed({}, TRIALS, done) == [expected]


def test_accepted_code_and_what_is_left_out_are_named():
    said = {"model": "sae", "from": "old", "to": "new", "files": ["raysp/models/sae.py"], "who": "me", "time": "3 May"}
    record = {
        "accepted": [said, said | {"from": "older"}],
        "earlier": [{"id": "sae_a_s9_0", "model": "sae", "code": "0" * 64}],
    }
    record["trials"] = [{"id": "sae_a_s0_1", "model": "sae", "code": "1" * 64}]
    assert mixed(record, TRIALS, DONE) == [
        "1 trial of sae computed by other code (raysp/models/sae.py); me said on 3 May that this changes no result",
        "1 trial of an earlier form of the experiment, or of other code, left out: sae_a_s9_0 [code 00000000, now "
        "11111111]",
    ]
