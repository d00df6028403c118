"""Averages of stored predictions: an ordinary run of its own, that no evaluation trial chooses anything of."""

import contextlib
import dataclasses
import shutil

import numpy as np
import polars
import pytest
import yaml

import raysp
from raysp.cluster import jobs, session
from raysp.config import own_code, plugins
from raysp.config.experiment import Training
from raysp.data.splits import store
from raysp.driver import finish as end
from raysp.driver import tracking
from raysp.driver.ensemble import Request, ensemble
from raysp.driver.ensemble_members import gather_members
from raysp.driver.record import copy_plugins
from raysp.errors import BadInput, NotReady
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.io import files
from raysp.kinds.population.page import drawing
from raysp.kinds.population.rates_file import read_rates, write_predictions, write_validation
from raysp.models import catalog, mean_rate
from raysp.models.prediction import Prediction
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.jobs import in_turn
from raysp.training.validation import validation_mask

SPLIT, FINISH = "my_recording", end.finish
SMALL = {"trials": (30, 8), "bins": 10, "forward": 2, "heldin": 6, "heldout": 3}


class Silent:
    """A tracker that writes nothing."""

    def __init__(self, *_):
        return

    def close(self):
        return []


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """What runs on a cluster runs in this process; figures that are not an ensemble's are left out."""
    monkeypatch.setattr(session, "session", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(jobs, "jobs", in_turn)
    monkeypatch.setattr(jobs, "job", lambda name, *args, **options: in_turn(name, [(args, options)])[0])
    monkeypatch.setattr(tracking, "Tracker", Silent)
    monkeypatch.setattr(drawing, "OF_A_TRIAL", ())
    monkeypatch.setattr(drawing, "OF_A_TASK", ())
    monkeypatch.setattr(end, "finish", lambda *_: None)


@pytest.fixture
def made(make):
    found = make(splits=(SPLIT,), models=("mean_rate", "sae"), seeds=(0, 1, 2), **SMALL)
    return noted(found, root=found.root)


def noted(made, **changes):
    record = yaml.safe_load(files.read_text(made.run.experiment))
    files.write_text(made.run.experiment, yaml.safe_dump(record | changes))
    return made


def average(made, *runs, **request):
    lines = []
    found = ensemble([made.run.path, *runs], Request(**request), lines.append)
    return found, lines


def written(made, run, trials):
    """A run of these trials, with the predictions of those of `made` with the same model and seed."""
    split = store.load(made.root, SPLIT)
    for trial in trials:
        before = made.run.trial(made.trial(trial.model, seed=trial.seed).id).predictions
        parts = {part: Prediction(*read_rates(before, part)) for part in ("train", "eval")}
        write_predictions(run.trial(trial.id).predictions, trial, split.sizes, parts, split)
        files.write_json(run.trial(trial.id).done, {"trial": trial.id})
    record = {**made.run.record(), "trials": [trial_to(one) for one in trials]}
    files.write_text(run.experiment, yaml.safe_dump(record))
    return run.path


def networks(made, **changes):
    return [dataclasses.replace(one, **changes) for one in made.trials if one.model == "sae"]


def test_an_average_is_a_run_of_its_own_and_is_made_once(made, monkeypatch):
    monkeypatch.setattr(end, "finish", FINISH)
    run, lines = average(made)
    assert any("left out 3 trials of mean_rate: it fits itself" in line for line in lines)
    (trial,) = run.trials()
    opened = raysp.open_run(run.path)
    weights = opened.members.sort("seed")["weight"].to_numpy()
    assert weights.sum() == pytest.approx(1)
    found = read_rates(run.trial(trial.id).predictions, "eval")[0]
    each = [read_rates(made.run.trial(made.trial("sae", seed=s).id).predictions, "eval")[0] for s in (0, 1, 2)]
    np.testing.assert_allclose(found, np.tensordot(weights, np.stack(each), 1), rtol=1e-5)
    counts = store.load_answers(made.root, SPLIT).trials.heldout
    score = opened.scores.filter(polars.col("unit_index").is_null(), metric="co-bps").collect()["value"].item()
    assert score == pytest.approx(bits_per_spike(found[..., 6:], counts), abs=1e-6)
    assert score > np.mean([bits_per_spike(one[..., 6:], counts) for one in each])
    members = run.record()["members"][trial.id]
    assert {one["trial"] for one in members} == {one.id for one in made.trials if one.model == "sae"}
    html = files.read_text(files.join(run.report, "report.html"))
    assert "Score against members" in html
    assert "Weights and errors" in html
    stamp = files.stamp(run.trial(trial.id).predictions)
    again, lines = average(made)
    assert again.path == run.path
    assert files.stamp(run.trial(trial.id).predictions) == stamp
    assert any("0 to average" in line for line in lines)
    assert any("up to date" in line for line in lines)


def test_given_conditions_rates_are_means_over_all_trials_of_one_and_it_is_called_so(made):
    split, answers = store.load(made.root, SPLIT), store.load_answers(made.root, SPLIT)
    condition = answers.trials.condition.copy()
    condition[0] = -1
    own = dataclasses.replace(answers, trials=dataclasses.replace(answers.trials, condition=condition))
    store.save(split, own, made.root, {"made": "up"})
    run, _ = average(made, models=("sae",), given_conditions=True)
    (trial,) = run.trials()
    assert run.path.endswith("-given-conditions")
    assert (trial.shown, run.record()["experiment"]["models"][0]["label"]) == ("ensemble_given_conditions",) * 2
    done = run.trial(trial.id).read_done()
    assert "conditions of evaluation trials known" in done["selected_on"]
    assert done["validation"]
    assert all(name.endswith("conditions not given") for name in done["validation"])
    members = raysp.open_run(run.path).members
    before = {}
    for part in ("train", "eval"):
        of = [made.run.trial(one).predictions for one in members["trial"]]
        each = zip(*(read_rates(path, part) for path in of), strict=True)
        before[part] = [np.tensordot(members["weight"], np.stack(rates), 1) for rates in each]
    labels = {"train": split.train.condition, "eval": condition}
    for part in ("train", "eval"):
        for found, place in zip(read_rates(run.trial(trial.id).predictions, part), (0, 1), strict=True):
            for row, one in enumerate(labels[part]):
                alike = np.concatenate([before[each][place][labels[each] == one] for each in before])
                expected = before[part][place][row] if one < 0 else alike.mean(axis=0)
                np.testing.assert_allclose(found[row], expected, rtol=1e-5)


def test_given_conditions_one_member_is_enough_and_a_benchmark_or_no_conditions_are_refused(made, make):
    one = {"models": ("sae",), "given_conditions": True, "way": "all"}
    noted(made, trials=[trial_to(each) for each in networks(made)[:1]])
    run, _ = average(made, **one)
    assert len(raysp.open_run(run.path).members) == 1
    split, answers = store.load(made.root, SPLIT), store.load_answers(made.root, SPLIT)
    unknown = dataclasses.replace(answers, trials=dataclasses.replace(answers.trials, condition=None))
    store.save(split, unknown, made.root, {"made": "up"})
    with pytest.raises(NotReady, match="expected conditions of training and evaluation trials to average over"):
        average(made, name="unknown", **one)
    benchmark = make(splits=("mc_maze_small-20ms-val",), **SMALL)
    with pytest.raises(BadInput, match="leave out --given-conditions"):
        average(noted(benchmark, root=benchmark.root), **one)


def test_an_average_can_be_averaged_over_conditions_where_nothing_is_judged(made):
    run, _ = average(made, models=("sae",))
    with pytest.raises(BadInput, match="an ensemble, weighed on the validation trials"):
        ensemble([run.path], Request(given_conditions=True), list)
    again = ensemble([run.path], Request(given_conditions=True, way="all"), list)
    assert raysp.open_run(again.path).members["model"].to_list() == ["ensemble_of_runs"]


def test_where_nothing_can_judge_averages_all_are_averaged_unjudged(make):
    made = make(splits=(SPLIT,), **SMALL | {"heldout": 0, "forward": 0})
    noted(made, root=made.root)
    with pytest.raises(BadInput, match=r"nothing to judge averages by.*--weights all averages them"):
        average(made)
    run, _ = average(made, way="all", models=("sae",))
    assert raysp.open_run(run.path).members["weight"].to_list() == [0.5, 0.5]


def test_what_evaluation_trials_hold_changes_no_weight(made):
    run, _ = average(made)
    split, answers = store.load(made.root, SPLIT), store.load_answers(made.root, SPLIT)
    other = dataclasses.replace(answers.trials, heldout=answers.trials.heldout[::-1].copy() + 5)
    store.save(split, dataclasses.replace(answers, trials=other), made.root, {"made": "up"})
    before = raysp.open_run(run.path).members
    files.remove(run.path)
    assert raysp.open_run(average(made)[0].path).members.equals(before)


def test_a_member_that_changed_makes_another_trial(made):
    run, _ = average(made)
    (before,) = run.trials()
    one, split = made.trial("sae"), store.load(made.root, SPLIT)
    parts = {
        part: Prediction(2 * read_rates(made.run.trial(one.id).predictions, part)[0]) for part in ("train", "eval")
    }
    write_predictions(made.run.trial(one.id).predictions, one, split.sizes, parts, split)
    (now,) = average(made)[0].trials()
    assert now.id != before.id
    assert [each["id"] for each in run.record()["earlier"]] == [before.id]
    assert read_rates(run.trial(now.id).predictions, "eval")[1] is None


def test_what_was_fitted_to_the_validation_trials_is_averaged_unjudged_alone(made, tmp_path):
    other = RunFolder(str(tmp_path / "runs" / "refitted"))
    written(made, other, networks(made, training=Training(refit=True)))
    with pytest.raises(BadInput, match=r"training.refit.*--weights all"):
        gather_members([other.path])
    run, _ = average(made, other.path, way="all")
    assert raysp.open_run(run.path).members["weight"].to_list() == pytest.approx([1 / 9] * 9)
    assert run.trial(run.trials()[0].id).read_done()["selected_on"] == "nothing: all members weigh the same"
    written(made, other, networks(made, training=Training(validate_on="eval")))
    with pytest.raises(BadInput, match="selected on evaluation trials"):
        gather_members([other.path], judged=False)


def test_what_was_fitted_to_the_validation_trials_is_judged_by_its_rates_from_before(made, tmp_path):
    other, split = RunFolder(str(tmp_path / "runs" / "refitted")), store.load(made.root, SPLIT)
    trials = networks(made, training=Training(refit=True))[:2]
    trials += [one for one in made.trials if one.model == "mean_rate"][:2]
    written(made, other, trials)
    aside = split.train.take(validation_mask(split.train, Training()))
    counts = np.concatenate([aside.heldin, aside.heldout], axis=2)
    for place, trial in enumerate(trials):
        rates = counts + 0.1 if place > 1 else np.full_like(counts, counts.mean())
        write_validation(other.trial(trial.id).judged, trial, split.sizes, Prediction(rates), split)
        files.write_json(other.trial(trial.id).metrics, {"trial": trial.id, "validation": {"unseen_loss": 0.4}})
    run, lines = average(made, other.path)
    assert any("1 trial of mean_rate: it came to the same with another seed" in line for line in lines)
    members = raysp.open_run(run.path).members
    known = {(one["trial"], one["run"] == other.path): one for one in members.iter_rows(named=True)}
    assert len(known) == 6
    assert known[trials[2].id, True]["weight"] > 0.9
    assert known[trials[0].id, True]["score"] < known[trials[2].id, True]["score"]
    found = read_rates(run.trial(run.trials()[0].id).predictions, "eval")[0]
    floor = read_rates(made.run.trial(trials[2].id).predictions, "eval")[0]
    np.testing.assert_allclose(found, floor, rtol=0.3)


def test_in_the_test_phase_what_fits_itself_takes_the_weight_of_the_same_model(make):
    made = make(models=("mean_rate", "sae"), seeds=(0,), **SMALL)
    noted(made, root=made.root)
    val, test = (split for split in dict.fromkeys(trial.split for trial in made.trials))
    split = store.load(made.root, val)
    floor, network = made.trial("mean_rate"), made.trial("sae")
    aside = split.train.take(validation_mask(split.train, Training()))
    rates = Prediction(np.full((len(aside), split.sizes.bins, split.sizes.units), 0.3))
    write_validation(made.run.trial(floor.id).judged, floor, split.sizes, rates, split)
    later = dataclasses.replace(made.trial("sae", split=1), follows=network.id)
    trials = [one for one in made.trials if (one.model, one.split) != ("sae", test)] + [later]
    run = RunFolder(made.run.path)
    files.write_text(run.experiment, yaml.safe_dump({**run.record(), "trials": [trial_to(one) for one in trials]}))
    answers = store.load(made.root, test)
    parts = {
        part: Prediction(*read_rates(run.trial(made.trial("sae", split=1).id).predictions, part))
        for part in ("train", "eval")
    }
    write_predictions(run.trial(later.id).predictions, later, answers.sizes, parts, answers)
    files.write_json(run.trial(later.id).done, {"trial": later.id})
    found = gather_members([run.path])
    assert list(found.members) == [val, test]
    assert {one.trial.model: one.follows for one in found.members[test]} == {
        "mean_rate": floor.id,
        "sae": network.id,
    }


def test_a_model_of_ones_own_that_fits_itself_is_asked_by_its_code_in_the_run(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.write_text("mine.py", files.read_text(mean_rate.__file__))
    own_code.taken("models", "mine.py")
    refs = plugins.of_model("mine", {})
    copy_plugins(made.run)
    run, split = RunFolder(str(tmp_path / "own")), store.load(made.root, SPLIT)
    before = [one for one in made.trials if one.model == "mean_rate"]
    trials = [dataclasses.replace(one, model="mine", plugins=refs) for one in before]
    for own, one in zip(trials, before, strict=True):
        rates = {part: Prediction(*read_rates(made.run.trial(one.id).predictions, part)) for part in ("train", "eval")}
        write_predictions(run.trial(own.id).predictions, own, split.sizes, rates, split)
        files.write_json(run.trial(own.id).done, {"trial": own.id})
    files.write_text(run.experiment, yaml.safe_dump(made.run.record() | {"trials": [trial_to(one) for one in trials]}))
    shutil.copytree(made.run.code, run.code)
    plugins.plug({})
    with pytest.raises(BadInput, match="left out 3 trials of mine: it fits itself to the validation trials too"):
        gather_members([run.path])
    with pytest.raises(BadInput, match="unknown model 'mine'"):
        catalog.is_candidate("mine")


def test_members_that_do_not_go_together_are_refused_or_left_out(made, tmp_path):
    other = RunFolder(str(tmp_path / "runs" / "other"))
    for what, changes in (("data", {"data": "f" * 64}), ("units", {"units": (0, 1, 7)})):
        written(made, other, networks(made, **changes))
        with pytest.raises(BadInput, match=f"expected the same {what}"):
            gather_members([made.run.path, other.path])
    written(made, other, networks(made, training=Training(epochs=40, validation_every=4))[:2])
    found = gather_members([made.run.path, other.path])
    assert len(found.members[SPLIT]) == 3
    assert any("left out 2 trials" in line and "validation_every" in line for line in found.left_out)
    twin = RunFolder(str(tmp_path / "runs" / "twin"))
    found = gather_members([written(made, one, networks(made)) for one in (other, twin)])
    assert len(found.members[SPLIT]) == 3
    assert "3 trials given more than once, counted once" in found.left_out


def test_what_cannot_be_averaged_is_refused_before_anything_is_written(made, tmp_path):
    other = RunFolder(str(tmp_path / "runs" / "other"))
    with pytest.raises(BadInput, match="no trial of models ndt"):
        average(made, models=("ndt",))
    with pytest.raises(BadInput, match="--top of 1 to 3 members, got 4"):
        average(made, top=4)
    with pytest.raises(BadInput, match="score of averages"):
        average(made, by="co-bits")
    with pytest.raises(BadInput, match="leave out --top and --by"):
        average(made, top=2, way="all")
    with pytest.raises(BadInput, match="holds another run"):
        average(made, name=made.run.name)
    written(made, other, networks(made)[:1])
    with pytest.raises(BadInput, match="at least 2 members, got 1"):
        gather_members([other.path])
    path = other.trial(networks(made)[0].id).predictions
    whole = files.read_bytes(path)
    with open(path, "wb") as file:
        file.write(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"predictions\.parquet"):
        gather_members([made.run.path, other.path])
    files.remove(path)
    with pytest.raises(NotReady, match="without predictions"):
        gather_members([made.run.path, other.path])
    assert files.listing(str(tmp_path / "runs")) == ["made-up", "other"]
