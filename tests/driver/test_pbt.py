"""Populations from the command line, in this process; tests/driver/test_pbt_killed.py has them with Ray, and killed."""

import polars
import pytest
import yaml
from click.testing import CliRunner

from raysp import cli
from raysp.driver.ensemble_members import gather_members
from raysp.driver.status import lines
from raysp.driver.tracking import catch_up
from raysp.driver.tracking_members import MEMBER
from raysp.io import files
from raysp.io.terminal import Terminal
from raysp.kinds.population.submission import choose_model
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import best_row
from raysp.search.population_folder import read_populations
from raysp.trials import member_trial
from tests.driver.here import without_ray

SPLIT = "standin-mc_maze_small-20ms-val"
EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Training

def experiment():
    return Experiment(
        name="tiny",
        splits=("mc_maze_small-20ms-val", "mc_maze_small-20ms-test"),
        models=(ModelChoice("sae", {"hidden": 4, "encoder_hidden": 4}), ModelChoice("smoothing")),
        training=Training(epochs=20, batch_size=12, measure_every=0, schedule="cosine"),
    )
"""
SPACE = """
model: sae
space:
  model.hidden: {int: [4, 16]}
  model.dropout: {uniform: [0.0, 0.6]}
  training.learning_rate: {loguniform: [1e-4, 3e-2]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, standin_root):
    folder = tmp_path_factory.mktemp("pbt")
    (folder / "tiny.py").write_text(EXPERIMENT)
    (folder / "space.yaml").write_text(SPACE)
    return folder, str(standin_root)


def command(place, runs, *more, members=3):
    folder, root = place
    common = ["--root", root, "--runs", str(folder / runs), "--splits", "mc_maze_small-20ms-val", "--pbt"]
    amounts = ["--members", str(members), "--generation-epochs", "1"]
    return ["sweep", str(folder / "tiny.py"), "--space", str(folder / "space.yaml"), *common, *amounts, *more]


def run(place, runs, *more, **how):
    return CliRunner().invoke(cli.main, command(place, runs, *more, **how))


def the_run(place, runs):
    return RunFolder(str(place[0] / runs / "standin-tiny-pbt"))


@pytest.fixture(scope="module")
def quiet(place):
    with pytest.MonkeyPatch.context() as patch:
        without_ray(patch)
        return the_run(place, "quiet"), run(place, "quiet", "--generations", "3")


def test_a_population_leaves_all_that_a_run_does_and_its_history(quiet):
    made, result = quiet
    assert result.exit_code == 0, result.output
    assert "as the experiment has it: model.hidden (it changes the shapes of weights" in result.output
    assert "as the experiment has it: training.schedule cosine" in result.output
    assert "generation 3 of at most 3" in result.output
    ((population, genealogy),) = read_populations(made)
    assert (population.members, genealogy.last, len(genealogy.rows)) == (3, 3, 9)
    assert population.objective == "unseen_loss"
    assert genealogy.note["held"]["model.hidden"].startswith("it changes the shapes")
    (trial,) = made.trials()
    assert made.finished_of([trial]) == [trial]
    metrics = polars.read_parquet(made.metrics)
    assert "co-bps" in set(metrics["metric"])
    best = yaml.safe_load(files.read_text(made.settings))["models"]["sae"][SPLIT]
    assert best["value"] == min(row.score for row in genealogy.rows)
    assert best["hyperparameters"]["dropout"] == trial.hyperparameters["dropout"]
    assert made.record()["submissions"][-1]["ended"] == "finished"


def test_the_same_command_again_does_nothing_and_more_generations_extend(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    made, before = quiet[0], read_populations(quiet[0])
    result = run(place, "quiet", "--generations", "3")
    assert result.exit_code == 0, result.output
    assert "all of it is up to date" in result.output
    assert read_populations(made) == before
    result = run(place, "extended", "--generations", "1")
    assert result.exit_code == 0, result.output
    result = run(place, "extended", "--generations", "3")
    assert result.exit_code == 0, result.output
    assert [g.rows for _, g in read_populations(the_run(place, "extended"))] == [g.rows for _, g in before]


def test_interrupted_anywhere_the_same_command_comes_to_the_same(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    whole, counts = member_trial.tried, iter(range(100))

    def stopped(*given):
        if next(counts) in (2, 5):
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(member_trial, "tried", stopped)
    codes = [run(place, "stopped", "--generations", "3").exit_code for _ in range(3)]
    assert codes == [130, 130, 0]
    made = the_run(place, "stopped")
    assert [g.rows for _, g in read_populations(made)] == [g.rows for _, g in read_populations(quiet[0])]
    assert [one["ended"] for one in made.record()["submissions"]] == ["interrupted", "interrupted", "finished"]
    assert made.trials() == quiet[0].trials()


def test_a_population_that_fails_is_on_record_and_the_same_command_tries_again(place, monkeypatch):
    without_ray(monkeypatch)
    monkeypatch.setattr(member_trial, "tried", lambda *given: "ValueError: a bad day")
    result = run(place, "failed", "--generations", "1")
    assert result.exit_code == 1
    assert "a bad day" in result.output
    ((population, _),) = read_populations(the_run(place, "failed"))
    folder = the_run(place, "failed").path
    assert "a bad day" in files.read_text(files.join(folder, "populations", population.name, "error.txt"))
    monkeypatch.undo()
    without_ray(monkeypatch)
    assert run(place, "failed", "--generations", "1").exit_code == 0


def test_states_that_are_gone_are_trained_anew(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    assert run(place, "lost", "--generations", "2").exit_code == 0
    made = the_run(place, "lost")
    ((population, _),) = read_populations(made)
    files.remove(files.join(made.path, "populations", population.name, "members"))
    assert run(place, "lost", "--generations", "3").exit_code == 0
    assert [g.rows for _, g in read_populations(made)] == [g.rows for _, g in read_populations(quiet[0])]


def test_other_runs_take_the_best_members_settings(place, quiet):
    folder, root = place
    common = ["--root", root, "--runs", str(folder / "main"), "--dry-run", "--settings", quiet[0].path]
    result = CliRunner().invoke(cli.main, ["run", str(folder / "tiny.py"), *common])
    assert result.exit_code == 0, result.output
    assert "sae: settings of" in result.output


def status(place, runs):
    return list(lines(the_run(place, runs), Terminal(100)))


def test_status_says_how_far_a_population_is_and_what_is_left(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    whole, counts = member_trial.tried, iter(range(100))

    def stopped(*given):
        if next(counts) == 5:
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(member_trial, "tried", stopped)
    assert run(place, "begun", "--generations", "3").exit_code == 130
    first, line, now, *rest = status(place, "begun")
    assert first.endswith(": 0 trials")
    ((_, whole_history),) = read_populations(quiet[0])
    best = min(row.score for row in whole_history.rows if (row.generation, row.member) < (2, 2))
    assert "1 generation done, 2 generations left at most, best unseen_loss" in line
    assert "generation 2: 2 of 3 members trained, scores 0." in now
    assert float(line.split("unseen_loss ")[1].split()[0]) == pytest.approx(best, rel=1e-4)
    assert rest[-1].startswith("next: ")
    assert not rest[-1].startswith("next: raysp report")
    first, line, *rest = status(place, "quiet")
    assert "3 generations done, over" in line
    assert rest[-1].startswith("next: raysp report")


def test_minutes_end_it_after_a_generation_and_more_of_them_extend_it(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    result = run(place, "minutes", "--generations", "3", "--minutes", "0")
    assert result.exit_code == 0, result.output
    assert "generation 1 of at most 3" in result.output
    made = the_run(place, "minutes")
    assert len(made.finished_of(made.trials())) == 1
    result = run(place, "minutes", "--generations", "3", "--minutes", "100")
    assert result.exit_code == 0, result.output
    assert [g.rows for _, g in read_populations(made)] == [g.rows for _, g in read_populations(quiet[0])]
    assert made.trials() == quiet[0].trials()


def test_another_space_is_another_population_and_the_command_says_so(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    assert run(place, "spaces", "--generations", "1").exit_code == 0
    folder = place[0]
    other = folder / "narrow.yaml"
    other.write_text("model: sae\nspace:\n  training.learning_rate: {loguniform: [1e-4, 1e-2]}\n")
    args = [str(other) if one.endswith("space.yaml") else one for one in command(place, "spaces", "--generations", "2")]
    result = CliRunner().invoke(cli.main, args)
    assert result.exit_code == 0, result.output
    assert "begins anew: sae_standin-mc_maze_small-20ms-val_s0_" in result.output
    assert "is another (another space); it stays" in result.output
    found = {
        len(population.space.entries): history.last
        for population, history in read_populations(the_run(place, "spaces"))
    }
    assert found == {2: 1, 1: 2}
    assert "begins anew" not in run(place, "spaces", "--generations", "1").output


def test_each_member_is_a_child_of_the_run_in_mlflow(quiet):
    made, ((_, history),) = quiet[0], read_populations(quiet[0])
    store = catch_up(made)
    client, experiment, parent = store._connect()
    found = {one.data.tags[MEMBER]: one for one in client.search_runs([experiment], "tags.`raysp.kind` = 'member'")}
    assert sorted(found) == ["0", "1", "2"]
    for member, one in found.items():
        rows = [row for row in history.rows if row.member == int(member)]
        told = client.get_metric_history(one.info.run_id, "pbt/unseen_loss")
        assert [(point.step, point.value) for point in told] == [(row.generation, row.score) for row in rows]
        rates = client.get_metric_history(one.info.run_id, "settings/training.learning_rate")
        assert [point.value for point in rates] == [row.settings["training.learning_rate"] for row in rows]
        assert one.data.params["training.learning_rate"] == str(rows[-1].settings["training.learning_rate"])
        assert one.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert one.info.status == "FINISHED"
    before = {one.info.run_id for one in found.values()}
    catch_up(made)
    again = client.search_runs([experiment], "tags.`raysp.kind` = 'member'")
    assert {one.info.run_id for one in again} == before


def test_all_members_of_the_last_generation_may_predict_for_an_ensemble(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    result = run(place, "members", "--generations", "2", "--all-members")
    assert result.exit_code == 0, result.output
    made = the_run(place, "members")
    ((_, history),) = read_populations(made)
    assert history.rows == read_populations(quiet[0])[0][1].rows[:6]
    best = best_row(history.rows)
    trials = made.trials()
    assert len(made.finished_of(trials)) == len(trials) == (3 if best.generation == 2 else 4)
    assert {"sae", "sae-m00", "sae-m01", "sae-m02"} >= {trial.shown for trial in trials}
    assert f"sae-m{best.member:02d}" not in {trial.shown for trial in trials} or best.generation == 1
    assert choose_model(made, trials) == "sae"
    gathered = gather_members([made.path])
    assert len(gathered.members[SPLIT]) == len(trials)
    assert run(place, "members", "--generations", "2").exit_code == 0
    assert [trial.shown for trial in made.trials()] == ["sae"]


def test_more_workers_than_members_is_no_other_population(place, quiet, monkeypatch):
    without_ray(monkeypatch)
    result = run(place, "workers", "--generations", "1", "--workers", "8")
    assert result.exit_code == 0, result.output
    ((_, history),) = read_populations(the_run(place, "workers"))
    ((_, known),) = read_populations(quiet[0])
    assert history.generation(1) == known.generation(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--members", "1"), "a population of 1 has nobody to copy"),
        (("--samples", "3"), "--samples goes without --pbt"),
        (("--asha", "3"), "--asha goes without --pbt"),
        (("--objective", "co-bps"), "expected --objective unseen_loss or validation_loss, got co-bps"),
        (("--set", "training.validate_on=eval"), "never looks at evaluation trials"),
        (("--accept-code",), "--accept-code has no meaning there"),
        (("--generations", "0"), "0 is not in the range"),
        (("--lanes", "2"), "--lanes 2: members of sae train one after the other"),
        (("--minutes", "nan"), "pbt, minutes expected a finite number"),
        (("--minutes", "-1"), "pbt, minutes expected at least 0, got -1.0"),
        (("--seeds", "0,-1"), r"seeds[1] expected at least 0, got -1"),
    ],
)
def test_what_cannot_be_a_population_is_refused_before_anything_starts(place, options, message):
    result = run(place, "refused", *options, "--dry-run")
    assert message in result.output
    assert result.exit_code == 2
    assert not (place[0] / "refused").exists()


def test_a_model_that_fits_itself_and_members_without_a_population_are_refused(place):
    (place[0] / "other.yaml").write_text("model: smoothing\nspace:\n  model.alpha: {loguniform: [1e-3, 1]}\n")
    args = [str(place[0] / "other.yaml") if one.endswith("space.yaml") else one for one in command(place, "refused")]
    assert "model smoothing fits itself" in CliRunner().invoke(cli.main, args).output
    args = [one for one in command(place, "refused", "--samples", "3") if one != "--pbt"]
    assert "--members goes with --pbt" in CliRunner().invoke(cli.main, args).output


def test_a_run_and_populations_do_not_share_a_folder(place, quiet):
    folder, root = place
    common = [
        "--root",
        root,
        "--runs",
        str(folder / "quiet"),
        "--splits",
        "mc_maze_small-20ms-val",
        "--name",
        "tiny-pbt",
    ]
    words = [
        "sweep",
        str(folder / "tiny.py"),
        "--space",
        str(folder / "space.yaml"),
        *common,
        "--name",
        "tiny-pbt",
        "--samples",
        "2",
    ]
    result = CliRunner().invoke(cli.main, [*words, "--dry-run"])
    assert "holds a run, not a sweep" in result.output
    result = run(place, "quiet", "--dry-run")
    assert result.exit_code == 0
    assert "3 members, at most 50 generations" in result.output
