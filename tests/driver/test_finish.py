import contextlib
import dataclasses
import os
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import raysp.driver.finish
from raysp.cli.root import main
from raysp.collection.gather import digest_of
from raysp.config.experiment import Experiment, ModelChoice, Recording, Trial
from raysp.data.sources.prepare import prepare
from raysp.data.splits import store
from raysp.driver import launch
from raysp.driver.evaluate import wanted
from raysp.driver.finish import changed, finish, made, made_from, note
from raysp.driver.last_look import check_answers, unscored
from raysp.driver.launch import Asked, Request, to_run
from raysp.driver.launch_words import say_outside
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.kinds.population.submission import stale, whose
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import SCHEMA, scored, write_metrics
from raysp.runs.test_looks import count_test_score
from raysp.runs.test_looks import test_looks as looks
from tests.driver.here import without_ray

SPLIT = "standin-mc_maze_small-20ms-val"
TRIALS = [Trial("mean_rate", {}, None, SPLIT, "0" * 64, seed=seed) for seed in range(3)]


@pytest.fixture
def run(tmp_path):
    """A finished run of three trials, with all that is made of it."""
    run = RunFolder(str(tmp_path / "run"))
    write_yaml(run.experiment, {"trials": [trial_to(trial) for trial in TRIALS]})
    for trial in TRIALS:
        files.write_json(run.trial(trial.id).done, {})
        for path in (run.trial(trial.id).predictions, f"{run.predictions}/model=mean_rate/{trial.id}.parquet"):
            files.write_text(path, trial.id)
    files.make_folder(run.report)
    for path in (run.metrics, f"{run.report}/report.html", f"{run.report}/a.png"):
        files.write_text(path, "content")
    write_submission(run, TRIALS[:2])
    files.write_json(run.finished, {"made_from": {}, "made": made(run)})
    return run


def write_submission(run, trials, seeds="mean"):
    with h5py.File(run.submission("val", standin=True), "w") as file:
        file.create_group("mc_maze_small_20").attrs["trials"] = [trial.id for trial in trials]
        file.attrs.update({"model": "mean_rate", "seeds": seeds})


def first(folder):
    """The path of the first file of a folder of the dataset."""
    return next(os.path.join(where, names[0]) for where, _, names in os.walk(folder) if names)


MADE = {
    "metrics.parquet": lambda run: run.metrics,
    "standin-submission-val.h5": lambda run: run.submission("val", standin=True),
    "report/report.html": lambda run: f"{run.report}/report.html",
    "report/a.png": lambda run: f"{run.report}/a.png",
    "predictions/model=mean_rate/": lambda run: first(run.predictions),
}


def test_what_is_there_as_it_was_made_is_up_to_date(run):
    assert changed(run, files.read_json(run.finished)) == []


@pytest.mark.parametrize("name", MADE)
def test_what_is_gone_or_was_changed_is_noticed(run, name):
    path = MADE[name](run)
    content = files.read_bytes(path)
    files.remove(path)
    (found,) = changed(run, files.read_json(run.finished))
    assert found.startswith(name)
    for other in (content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        with open(path, "wb") as file:
            file.write(other)
        # The dataset's files are the trials' own, which carry a digest themselves.
        same = len(other) == len(content) and name.startswith("predictions")
        assert changed(run, files.read_json(run.finished)) == ([] if same else [found])


def test_what_a_command_of_its_own_makes_again_is_noted_and_nothing_else(run):
    files.remove(f"{run.report}/a.png")
    files.write_text(run.metrics, "other")
    note(run, "metrics.parquet")
    assert changed(run, files.read_json(run.finished)) == ["report/a.png"]
    note(run, "report/")
    assert changed(run, files.read_json(run.finished)) == []


@pytest.mark.parametrize("gone", ["done", "predictions", "path"])
def test_a_trial_without_its_predictions_is_not_finished(run, gone):
    files.remove(getattr(run.trial(TRIALS[1].id), gone))
    assert run.finished_of(run.trials()) == [TRIALS[0], TRIALS[2]]
    assert to_run(run, TRIALS, Request()) == [TRIALS[1]]


@pytest.mark.parametrize("setting", ["decode_history", "psth_sigma_ms"])
def test_settings_that_change_scores_but_no_array_are_scored_anew(run, setting):
    def scoring(value):
        recording = {"name": "mine", "source": "population", "settings": {setting: value}}
        experiment = {"floor": "", "ceiling": "", "recordings": [recording]}
        write_yaml(run.experiment, {**run.record(), "experiment": experiment})
        return made_from(run)["scoring"]

    assert scoring(2) == scoring(2) != scoring(5)


@pytest.mark.parametrize(
    ("known", "values"),
    [
        ("decode_history", (2, 5)),
        ("behavior", ([["x", ""]], [["speed", ""]])),
        ("unit_names", ([], [[3, "V1-3"]])),
        ("answers", ("0" * 64, "1" * 64)),
    ],
)
def test_splits_that_are_scored_otherwise_though_no_array_of_theirs_changed_are_scored_anew(run, known, values):
    def scoring(value):
        write_yaml(run.experiment, {**run.record(), "data": {"mine": {known: value}}})
        return made_from(run)["scoring"]

    first, second = values
    assert scoring(first) == scoring(first) != scoring(second)


def test_what_would_run_is_told_without_changing_anything(run):
    files.remove(run.trial(TRIALS[1].id).done)
    files.write_text(run.trial(TRIALS[1].id).error, "boom")
    assert to_run(run, TRIALS, Request()) == []
    assert to_run(run, TRIALS, Request(retry=True)) == [TRIALS[1]]
    assert to_run(run, TRIALS, Request(force=True)) == TRIALS
    assert run.states(TRIALS)[TRIALS[1].id] == "failed"
    assert len(run.finished_of(run.trials())) == 2


def test_what_a_finished_trial_says_of_itself_is_looked_at(run):
    files.write_json(run.trial(TRIALS[2].id).done, {"trial": TRIALS[2].id, "epochs": 3})
    files.remove(run.metrics)
    assert CliRunner().invoke(main, ["status", run.path]).output.splitlines()[0] == f"{run.path}: 3 trials, 3 done"
    path = run.trial(TRIALS[2].id).done
    with open(path, "rb") as file:
        content = file.read()
    files.write_text(path, content.replace(b'"epochs": 3', b'"epochs": 7').decode())
    files.remove(run.trial(TRIALS[1].id).predictions)
    output = CliRunner().invoke(main, ["status", run.path]).output.splitlines()
    assert output[0] == f"{run.path}: 3 trials, 1 done, 1 without predictions, 1 damaged"
    assert path in output[1]
    assert "is damaged" in output[1]
    assert "remove it and run" in output[1]
    for look in (lambda: finish(run, "data", print), lambda: digest_of(run, TRIALS[2])):
        with pytest.raises(BadInput, match=r"done\.json is damaged"):
            look()


def test_a_submission_of_trials_that_are_not_the_experiments_any_more_is_stale(run):
    assert stale(run) == []
    files.remove(run.trial(TRIALS[2].id).path)
    assert stale(run) == []
    write_submission(run, TRIALS)
    assert stale(run) == [run.submission("val", standin=True)]
    files.write_text(run.submission("val", standin=True), "no HDF5")
    assert stale(run) == [run.submission("val", standin=True)]


@pytest.mark.parametrize(
    ("count", "seeds", "expected"), [(3, "mean", "mean over 3 seeds"), (1, "mean", "one seed"), (1, 2, "seed 2")]
)
def test_a_submission_is_told_with_whose_rates_it_holds(run, count, seeds, expected):
    write_submission(run, TRIALS[:count], seeds)
    path = run.submission("val", standin=True)
    assert whose(path) == f"mean_rate, {expected}"


def test_a_run_without_splits_of_the_test_phase_says_so(run):
    assert wanted(run, "val") == TRIALS
    with pytest.raises(BadInput, match=rf"no splits of the test phase \(its splits: {SPLIT}\)"):
        wanted(run, "test")


def test_a_look_at_the_test_answers_is_told_and_so_is_a_report_that_is_older(run, monkeypatch):
    def scored(run, root, phase, say):
        return count_test_score(run, TRIALS) and 3

    monkeypatch.setattr("raysp.cli.results.with_ray", lambda verbose: contextlib.nullcontext())
    monkeypatch.setattr("raysp.cli.results.whole_root", lambda run, root, trials: "data")
    monkeypatch.setattr("raysp.driver.evaluate.wanted", lambda run, phase: TRIALS)
    monkeypatch.setattr("raysp.driver.score_table.lines", lambda *given: [])
    monkeypatch.setattr("raysp.driver.finish.evaluate", scored)
    for number in (1, 2):
        lines = CliRunner().invoke(main, ["evaluate", run.path, "--phase", "test"]).output.splitlines()
        assert lines == [
            "",
            "3 trials scored",
            f"  metrics      {run.metrics}",
            f"look {number} at the test answers, counted in {run.path}/test-scores.json",
            f"next: raysp report {run.path}  # draws the report anew, which is older than these scores",
        ]


def test_numbers_that_a_scoring_cannot_find_any_more_are_told(run, monkeypatch):
    common = {**dict.fromkeys(SCHEMA), "run_trial": TRIALS[0].id, "model": "mean_rate", "split": SPLIT, "value": 0.5}
    rows, output = [{**common, "metric": name} for name in ("co-bps", "masked deviance")], []
    files.remove(run.metrics)
    write_metrics(run, rows)
    monkeypatch.setattr("raysp.driver.evaluate.wanted", lambda run, phase: TRIALS[:1])
    monkeypatch.setattr("raysp.driver.evaluate.check_data", lambda root, trials: None)
    monkeypatch.setattr("raysp.driver.compare.compare", lambda run, root: None)
    monkeypatch.setattr("raysp.kinds.catalog.known", list)
    for found in (rows, rows[:1]):
        monkeypatch.setattr("raysp.cluster.jobs.jobs", lambda function, calls, found=found: [found])
        assert raysp.driver.finish.evaluate(run, "data", "val", say=output.append) == 1
    assert len(output) == 1
    assert f"1 number that the table held cannot be computed any more: masked deviance of {TRIALS[0].id};" in output[0]


def test_a_dry_run_says_that_a_recording_has_changed(tmp_path):
    path = tmp_path / "day7.npz"
    found = Recording("day7", "population", {"path": str(path), "counts": "spikes", "bin_ms": 20})
    experiment = Experiment("x", (ModelChoice("mean_rate"),), recordings=(found,))
    request, said = Request(root=str(tmp_path), runs=str(tmp_path / "runs"), file="e.py", dry_run=True), []
    for seed in (0, 1):
        np.savez(path, spikes=np.random.default_rng(seed).poisson(0.4, (20, 10, 8)))
        if not seed:
            prepare([found], str(tmp_path))
        lines = []
        launch.launch(experiment, request, lines.append)
        said.append([one for one in lines if "other files, settings or code than are there now" in one])
    assert said[0] == []
    assert said[1][0].startswith("  day7: prepared from")


def test_a_dry_run_says_what_prepares_the_splits_that_are_not(tmp_path, monkeypatch):
    recordings = (Recording("mine", "lorenz", {}),)
    names = ("mine", "standin-mc_maze_small-20ms-test")
    experiment = Experiment(name="e", models=(ModelChoice("mean_rate"),), splits=("*",), recordings=recordings)
    request, run = (
        Request(root=str(tmp_path), runs=str(tmp_path), file="e.py", dry_run=True),
        RunFolder(f"{tmp_path}/e"),
    )
    asked, printed = Asked(experiment, experiment, experiment, names, run, request), []
    assert launch._show(asked, printed.append) == 0
    expected = f"raysp data prepare e.py mc_maze_small-20ms-test mc_maze_small-20ms-val --root {tmp_path}"
    assert printed[-2] == "1 model: mean_rate; 1 seed: 0"
    assert printed[-1] == f"their trials can be listed once they are prepared; type: {expected}"
    assert files.listing(str(tmp_path)) == []


def test_trials_outside_of_what_was_asked_for_are_named_with_a_command_that_helps(run, monkeypatch):
    argv = ["/x/bin/raysp", "run", "e.py", "--models", "mean_rate", "--root", "d", "--splits=a*", "--retry"]
    monkeypatch.setattr(sys, "argv", argv)
    printed = []
    say_outside([], run, printed.append)
    assert printed == []
    files.remove(run.trial(TRIALS[1].id).done)
    files.write_text(run.trial(TRIALS[1].id).error, "boom")
    say_outside([TRIALS[1]], run, printed.append)
    assert "1 trial of this experiment is not finished, 1 failed" in printed[0]
    assert printed[0].endswith("run them with: raysp run e.py --root d --models mean_rate --retry")


def test_a_run_beside_one_whose_name_differs_in_case_alone_is_refused(tmp_path):
    files.make_folder(str(tmp_path / "E"))
    launch.check_place(RunFolder(str(tmp_path / "E")), Request(runs=str(tmp_path)))
    with pytest.raises(BadInput, match="E and e differ in case alone"):
        launch.check_place(RunFolder(str(tmp_path / "e")), Request(runs=str(tmp_path)))


def test_the_test_phase_is_looked_at_when_asked_for_and_once(make, monkeypatch):
    without_ray(monkeypatch)
    made = make(models=("mean_rate", "sae"), seeds=(0,))
    files.remove(made.run.metrics)
    test = [trial.id for trial in made.run.trials() if trial.split.endswith("-test")]
    said = []
    finish(made.run, made.root, said.append)
    assert [trial.id for trial in unscored(made.run)] == test
    assert looks(made.run) == 0
    assert any("--phase test" in line for line in said)
    for _ in range(2):
        finish(made.run, made.root, said.append, test=True)
        assert unscored(made.run) == []
        assert looks(made.run) == 1
    assert said.count("drawing the report") == 2
    assert said.count("all of it is up to date") == 1
    assert scored(made.run) == {trial.id for trial in made.run.trials()}
    assert not any("--phase test" in line for line in said[said.index("all of it is up to date") :])


def test_scores_of_the_test_phase_by_other_code_are_not_taken_for_new_ones(make, monkeypatch):
    without_ray(monkeypatch)
    made, said = make(models=("mean_rate",), seeds=(0,)), []
    finish(made.run, made.root, said.append, test=True)
    assert looks(made.run) == 1
    monkeypatch.setattr(raysp.driver.finish, "_scoring", lambda run: "other code")
    finish(made.run, made.root, said.append)
    assert "note: the test phase was scored by other code" in "".join(said)
    assert looks(made.run) == 1
    for _ in range(2):
        finish(made.run, made.root, said.append, test=True)
        assert looks(made.run) == 2
    assert said.count("scoring the predictions") == 3
    assert said.count("scoring those of the test phase: a look that counts") == 2


def test_answers_that_are_not_there_are_told_before_anything_is_trained(made_up, monkeypatch):
    names = [task for task in dict.fromkeys(trial.split for trial in made_up.run.trials())]
    check_answers(names, made_up.root)
    with pytest.raises(BadInput, match="--test-phase expected splits of the test phase, got mc_maze_small-20ms-val"):
        check_answers(names[:1], made_up.root)
    header = store.header
    monkeypatch.setattr(store, "header", lambda root, name: dataclasses.replace(header(root, name), answers=False))
    with pytest.raises(NotReady, match=r"data fetch test_answers .* raysp data prepare mc_maze_small-20ms-test"):
        check_answers(names, made_up.root)
