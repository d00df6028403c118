import dataclasses

import pytest

from raysp.config import code_hash, settings
from raysp.config.experiment import Experiment, ModelChoice, Recording, Training, Trial
from raysp.data.splits import store
from raysp.data.splits.header import Header, Provenance
from raysp.data.splits.population import Sizes
from raysp.driver.form import Form, lines, settle
from raysp.driver.plan import Plan
from raysp.driver.record import write_record
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.models import catalog
from raysp.runs.folder import RunFolder, alike, trial_to

SPLITS = ("a", "b")
E = Experiment(
    name="e",
    models=(ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8})),
    splits=("*",),
    seeds=(0, 1),
    training=Training(epochs=2),
)
HEADER = Header(
    "a", "population", Sizes("a", 5.0, 10, 3), "x" * 64, Provenance(builder="b-1"), {}, {"train": 3, "eval": 2}
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "header", lambda root, name: HEADER)
    return RunFolder(str(tmp_path / "e"))


def plan(experiment, models=("mean_rate", "sae"), splits=SPLITS, **changes):
    """The trials of an experiment on some of its splits and models."""
    trials = []
    for choice in experiment.models:
        if choice.shown in models:
            chosen = settings.plain(catalog.config(choice.name, dict(choice.hyperparameters)))
            training = None if choice.name == "mean_rate" else experiment.training
            code = code_hash.digest(code_hash.of_model(choice.name, chosen))
            units = None if experiment.units == "all" else experiment.units
            common = {
                "data": "x" * 64,
                "units": units,
                "label": choice.label,
                "code": code,
            } | changes
            trials += [
                Trial(choice.name, chosen, training, split, seed=seed, **common)
                for split in splits
                for seed in experiment.seeds
            ]
    return Plan(tuple(trials))


def command(run, experiment, own=None, accept=False, done=True, made=None, **narrowed):
    """What a command leaves behind: its record, and its trials done; returns the present form."""
    made = plan(experiment, **narrowed) if made is None else made
    form = settle(run, experiment, own or experiment, made, "data", accept=accept)
    write_record(run, experiment, made, "data", form=form, own=own or experiment)
    for trial in form.planned if done else ():
        files.write_json(run.trial(trial.id).done, {})
        files.write_text(run.trial(trial.id).predictions, "")
    return form


def shown(trials):
    return sorted((t.shown, t.split, t.seed, t.training and t.training.epochs) for t in trials)


def test_a_run_is_filled_split_by_split_and_model_by_model(run):
    command(run, E, splits=("a",), models=("sae",))
    command(run, E, splits=("b",))
    assert command(run, E, splits=("a",), models=("mean_rate",)).earlier == ()
    assert shown(run.trials()) == shown(plan(E).trials)
    assert run.record()["earlier"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": (0,), "training": Training(epochs=3)},
        {"seeds": (0,)},
        {"models": (ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 9}))},
        {"units": (0, 1)},
        {"models": (ModelChoice("mean_rate"), ModelChoice("smoothing", label="sae"))},
    ],
)
def test_what_an_edited_experiment_does_not_ask_for_is_kept_named_and_left_out(run, changes):
    command(run, E)
    edited = dataclasses.replace(E, **changes)
    form = command(run, edited)
    assert shown(run.trials()) == shown(plan(edited).trials)
    left = [trial.id for trial in form.earlier]
    assert left == [one["id"] for one in run.record()["earlier"]]
    assert {trial.id for trial in plan(E).trials} == {*left} | {t.id for t in plan(E).trials if t in run.trials()}
    (line,) = lines(form)
    assert line.startswith("of an earlier form of the experiment")
    assert left[0] in line
    assert "kept, and left out" in line
    # Taken back, they are the experiment's again.
    assert command(run, E).planned == plan(E).trials
    assert run.trials() == list(plan(E).trials)


def test_an_edit_that_a_narrowed_command_does_not_run_leaves_the_older_trials_out_all_the_same(run):
    command(run, E)
    edited = dataclasses.replace(E, training=Training(epochs=3))
    form = command(run, edited, models=("mean_rate",))
    assert {trial.shown for trial in run.trials()} == {"mean_rate"}
    assert shown(form.earlier) == shown(plan(E, models=("sae",)).trials)
    # Its floor does not train: that edit is none to it.
    assert set(shown(form.present)) == set(shown(plan(E, models=("mean_rate",)).trials))
    assert command(run, E, models=("mean_rate",)).earlier == ()
    assert len(run.trials()) == 8


def test_another_model_of_the_experiment_or_another_split_is_no_other_form(run):
    command(run, E)
    more = dataclasses.replace(E, models=(*E.models, ModelChoice("smoothing")), splits=("*", "c"))
    assert command(run, more, models=("mean_rate",)).earlier == ()
    fewer = dataclasses.replace(E, models=E.models[:1])
    assert {trial.shown for trial in command(run, fewer, splits=("a",)).earlier} == {"sae"}


def test_settings_of_the_command_line_hold_for_what_that_command_ran(run):
    for split, rate in (("a", 1e-3), ("b", 1e-2)):
        changed = dataclasses.replace(E, training=Training(epochs=2, learning_rate=rate))
        command(run, changed, own=E, splits=(split,))
    rates = {trial.split: trial.training.learning_rate for trial in run.trials() if trial.training}
    assert rates == {"a": 1e-3, "b": 1e-2}
    # As long as the file asks for the same.
    edited = dataclasses.replace(E, training=Training(epochs=3))
    command(run, edited, splits=("b",))
    assert {trial.split for trial in run.trials() if trial.training} == {"b"}


def test_trials_of_data_that_were_prepared_anew_are_left_out(run, monkeypatch):
    command(run, E)
    anew = {"a": HEADER, "b": dataclasses.replace(HEADER, fingerprint="y" * 64)}
    monkeypatch.setattr(store, "header", lambda root, name: anew[name])
    command(run, E, splits=("a",))
    assert {trial.split for trial in run.trials()} == {"a"}


def test_a_recording_with_other_settings_is_another_form(run):
    recorded = dataclasses.replace(E, splits=(), recordings=(Recording("a", "population", {"bin_ms": 5}),))
    changed = dataclasses.replace(recorded, training=Training(epochs=7))
    command(run, changed, own=recorded, splits=("a",))
    edited = dataclasses.replace(recorded, recordings=(Recording("a", "population", {"bin_ms": 10}),))
    command(run, edited, splits=("a",), models=("mean_rate",))
    assert {trial.shown for trial in run.trials()} == {"mean_rate"}


def with_code(made, code):
    return Plan(tuple(dataclasses.replace(t, code=code) if t.model == "sae" else t for t in made.trials))


def test_trials_of_other_code_are_named_with_the_files_and_left_out(run):
    was = dict(code_hash.of_model("sae")) | {"raysp/models/sae.py": "0" * 64}
    command(run, E, made=with_code(plan(E), code_hash.digest(was)))
    record = run.record()
    write_yaml(run.experiment, record | {"code": record["code"] | {code_hash.digest(was): was}})
    form = command(run, E, done=False)
    assert {t.id for t in form.other_code} == {t.id for t in form.earlier}
    assert {t.model for t in form.earlier} == {"sae"}
    (line,) = lines(form)
    assert line.startswith("made by other code of sae (raysp/models/sae.py): 4 trials (sae_a_s0_")
    assert "--accept-code" in line
    assert run.trials() == list(plan(E).trials)


def test_other_code_is_noticed_of_models_that_the_command_leaves_out(run):
    command(run, E, made=with_code(plan(E), "0" * 64))
    form = command(run, E, models=("mean_rate",))
    assert {t.model for t in form.other_code} == {"sae"}
    assert {t.model for t in run.trials()} == {"mean_rate"}


def test_older_results_stand_where_a_person_says_that_their_code_changed_nothing(run):
    old = with_code(plan(E), "0" * 64)
    command(run, E, made=old)
    ids = [trial.id for trial in run.trials()]
    form = command(run, E, accept=True)
    assert [trial.id for trial in form.planned] == ids
    assert form.earlier == ()
    (output,) = run.record()["accepted"]
    now = code_hash.digest(code_hash.of_model("sae"))
    assert (output["model"], output["from"], output["to"]) == ("sae", "0" * 64, now)
    assert output["who"]
    assert output["time"]
    # The next command remembers; a trial that had not ended is one of today's code.
    files.remove(run.trial(ids[-1]).done)
    form = command(run, E)
    assert [trial.id for trial in form.planned] == [*ids[:-1], plan(E).trials[-1].id]
    assert len(run.record()["accepted"]) == 1
    assert len(run.trials()) == 8
    # Whoever starts over means today's code.
    assert settle(run, E, E, plan(E), "data", anew=True).planned == plan(E).trials


def test_of_several_older_results_the_ones_that_were_the_runs_own_stand(run):
    for code in ("0" * 64, "1" * 64):
        command(run, E, made=with_code(plan(E), code))
    form = command(run, E, accept=True)
    assert {trial.code for trial in form.planned if trial.model == "sae"} == {"1" * 64}
    assert {trial.code for trial in form.earlier} == {"0" * 64}


def test_a_setting_that_only_the_new_code_knows_does_not_stand_in_the_way(run):
    made = with_code(plan(E), "0" * 64)
    fewer = [{k: v for k, v in t.hyperparameters.items() if k != "dropout"} for t in made.trials]
    less = [dataclasses.replace(t, hyperparameters=one) for t, one in zip(made.trials, fewer, strict=True)]
    command(run, E, made=Plan(tuple(less)))
    command(run, E, accept=True)
    assert [trial.id for trial in run.trials()] == [trial.id for trial in less]
    other = [
        dataclasses.replace(t, hyperparameters={**t.hyperparameters, "hidden": 77}) for t in made.trials if t.training
    ]
    assert settle(run, E, E, Plan(tuple(other)), "data", accept=True).planned == tuple(other)


def test_a_trial_that_follows_an_accepted_one_follows_it_under_its_name(run):
    def made(code):
        val, _ = (t for t in plan(E, models=("sae",), splits=("a",)).trials)
        val = dataclasses.replace(val, code=code, split="x-val")
        return Plan((val, dataclasses.replace(val, split="x-test", follows=val.id)))

    now = made(code_hash.digest(code_hash.of_model("sae")))
    old = made("0" * 64)
    command(run, E, made=old, done=False)
    files.write_json(run.trial(old.trials[0].id).done, {})
    val, test = command(run, E, accept=True, made=now, done=False).planned
    assert val.id == old.trials[0].id
    assert (test.follows, test.code) == (val.id, now.trials[1].code)
    assert test.id not in (old.trials[1].id, now.trials[1].id)
    assert command(run, E, made=now, done=False).planned == (val, test)


def test_a_run_of_an_earlier_version_keeps_its_names_and_is_left_out_or_accepted(run):
    old = [trial_to(t) | {"id": f"{t.front}_old", "code": ""} for t in plan(E).trials]
    write_yaml(run.experiment, {"trials": old, "submissions": [], "data": {}})
    for one in old:
        files.write_json(run.trial(one["id"]).done, {})
    assert [trial.id for trial in run.trials()] == [one["id"] for one in old]
    form = settle(run, E, E, plan(E), "data")
    assert [trial.id for trial in form.other_code] == [one["id"] for one in old]
    assert "nothing was noted" in lines(form)[0]
    form = command(run, E, accept=True)
    assert [trial.id for trial in form.planned] == [one["id"] for one in old]


def test_what_differs_in_anything_but_the_seed_is_never_given_together():
    first, second = plan(E, models=("sae",), splits=("a",)).trials
    longer = dataclasses.replace(second, training=Training(epochs=3))
    assert alike([first, second]) == [first, second]
    assert alike([longer, first]) == [first]
    other = {"hyperparameters": {**second.hyperparameters, "hidden": 9}}
    for change in ({"data": "y"}, other, {"model": "ndt", "label": "sae"}):
        assert alike([first, dataclasses.replace(second, **change)])[:-1] == []
    recoded = dataclasses.replace(second, code="0")
    assert alike([first, recoded]) == [recoded]
    pairs = [{"from": first.code, "to": "1"}, {"from": "0", "to": "1"}]
    assert alike([first, recoded], pairs) == [first, recoded]


def test_names_that_differ_in_case_alone_are_refused(run):
    command(run, E)
    shouted = dataclasses.replace(E, models=(ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8}, label="SAE")))
    with pytest.raises(BadInput, match="models SAE and sae differ in case alone"):
        settle(run, shouted, shouted, plan(shouted, models=("SAE",)), "data")


def test_a_new_run_has_no_earlier_trials(run):
    assert settle(run, E, E, plan(E), "data") == Form(plan(E).trials, plan(E).trials)
