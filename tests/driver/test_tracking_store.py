"""What the store of a run lacks is found by content, and what a person did there stays."""

import shutil
import sqlite3

import pytest

from raysp.driver.tracking import catch_up
from raysp.driver.tracking_store import Store
from raysp.io import files
from raysp.runs.folder import RunFolder
from tests.driver.tracked import TRIALS, children, content, record, rows, sql


def half(run):
    sql(run, "DELETE FROM metrics WHERE key = 'curve/train_loss' AND step = 2")


def without(run, names):
    sql(run, f"DELETE FROM metrics WHERE key {names}", f"DELETE FROM latest_metrics WHERE key {names}")


LOST = {
    "all parameters": lambda run: sql(run, "DELETE FROM params"),
    "one parameter": lambda run: sql(run, "DELETE FROM params WHERE key = 'hidden'"),
    "tags": lambda run: sql(run, "DELETE FROM tags WHERE key IN ('model', 'raysp.selected_on', 'commit')"),
    "the tag that says complete": lambda run: sql(run, "DELETE FROM tags WHERE key = 'raysp.complete'"),
    "final numbers": lambda run: sql(
        run,
        "DELETE FROM metrics WHERE key LIKE 'validation/%'",
        "DELETE FROM latest_metrics WHERE key LIKE 'validation/%'",
    ),
    "an epoch in the middle": half,
    "a whole metric": lambda run: sql(
        run,
        "DELETE FROM metrics WHERE key = 'curve/train_loss'",
        "DELETE FROM latest_metrics WHERE key = 'curve/train_loss'",
    ),
    "that it is finished": lambda run: sql(run, "UPDATE runs SET status = 'RUNNING'"),
    "a run, deleted on MLflow's pages": lambda run: children(run)[0].delete_run(
        children(run)[1][TRIALS[0].id].info.run_id
    ),
    "the parent run": lambda run: children(run)[0].delete_run(
        next(iter(children(run)[1].values())).data.tags["mlflow.parentRunId"]
    ),
    "which trial it is": lambda run: sql(run, "DELETE FROM tags WHERE key = 'raysp.trial'"),
    "that it is a trial": lambda run: sql(run, "DELETE FROM tags WHERE key = 'raysp.kind' AND value = 'trial'"),
    "other numbers": lambda run: sql(run, "UPDATE metrics SET value = 99", "UPDATE latest_metrics SET value = 99"),
    "another number within a curve": lambda run: sql(
        run, "UPDATE metrics SET value = 99 WHERE key = 'curve/train_loss' AND step = 2"
    ),
    "no number": lambda run: sql(run, "UPDATE metrics SET is_nan = 1, value = 0 WHERE key = 'validation/co-bps'"),
    "an epoch too many": lambda run: sql(
        run, "UPDATE metrics SET step = 9 WHERE key = 'curve/train_loss' AND step = 3"
    ),
    "another parameter": lambda run: sql(run, "UPDATE params SET value = '9' WHERE key = 'hidden'"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_missing_is_found_by_content_and_written_again(stored, whole, name):
    LOST[name](stored)
    assert content(stored) != whole
    catch_up(stored)
    assert content(stored) == whole


def test_epochs_beyond_a_gap_wait_for_the_whole_curve(run):
    store = Store(run, None, {})
    store.curve(TRIALS[0], rows(3)[:1])
    store.curve(TRIALS[0], rows(3)[2:])
    client, found = children(run)
    run_id = found[TRIALS[0].id].info.run_id
    assert [point.step for point in client.get_metric_history(run_id, "curve/train_loss")] == [1]
    store.sync(TRIALS)
    assert [point.step for point in client.get_metric_history(run_id, "curve/train_loss")] == [1, 2, 3]


@pytest.mark.parametrize("change", ["UPDATE metrics SET value = 99", "UPDATE latest_metrics SET value = 99"])
def test_a_trial_that_is_written_anew_keeps_a_persons_tags_and_no_number_twice(stored, change):
    client, before = children(stored)
    client.set_tag(before[TRIALS[0].id].info.run_id, "mine", "good")
    sql(stored, change)
    catch_up(stored)
    client, after = children(stored)
    run = after[TRIALS[0].id]
    assert run.info.run_id != before[TRIALS[0].id].info.run_id
    assert (run.data.tags["mine"], run.data.metrics["validation/co-bps"]) == ("good", 0.1)
    history = client.get_metric_history(run.info.run_id, "curve/train_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    dump = _dump(stored)
    catch_up(stored)
    assert _dump(stored) == dump


def test_looking_changes_nothing(stored):
    # A copy of a run, whose artifacts lie elsewhere now.
    catch_up(stored)
    client, found = children(stored)
    client.set_tag(found[TRIALS[0].id].info.run_id, "model", "as a person named it")
    client.set_tag(found[TRIALS[0].id].info.run_id, "mine", "good")
    before = _dump(stored)
    record(stored, commit="of a later day")
    catch_up(stored)
    assert _dump(stored) == before


def _dump(run):
    with sqlite3.connect(run.mlflow) as database:
        found = list(database.iterdump())
    database.close()
    return found


def test_a_copied_folder_shows_its_trials_once_under_its_own_name(stored, tmp_path):
    shutil.copytree(stored.path, tmp_path / "standin-other")
    copy = RunFolder(str(tmp_path / "standin-other"))
    catch_up(copy)
    client, found = children(copy)
    assert len(found) == len(TRIALS)
    assert {one.name for one in client.search_experiments()} <= {"Default", "standin-other"}
    assert all("standin-other" in run.info.artifact_uri for run in found.values())
    assert len(children(stored)[1]) == len(TRIALS)


def test_artifacts_and_a_persons_tags_go_along_with_a_folder_that_is_moved(stored, tmp_path):
    files.write_text(files.join(stored.report, "report.html"), "<p>mine</p>")
    catch_up(stored)
    client, before = children(stored)
    client.set_tag(before[TRIALS[0].id].info.run_id, "mine", "good")
    for place in (tmp_path / "elsewhere" / "standin-x", tmp_path / "renamed"):
        place.parent.mkdir(exist_ok=True)
        shutil.move(stored.path, place)
        stored = RunFolder(str(place))
        store = catch_up(stored)
        client, found = children(stored)
        assert found[TRIALS[0].id].data.tags["mine"] == "good"
        assert {run.info.run_id for run in found.values()} == {run.info.run_id for run in before.values()}
        parent = found[TRIALS[0].id].data.tags["mlflow.parentRunId"]
        assert [item.path for item in client.list_artifacts(parent, "report")] == ["report/report.html"]
        assert files.read_text(client.download_artifacts(parent, "report/report.html")) == "<p>mine</p>"
        assert store.opened().startswith("/#/experiments/1/runs?")
    assert client.get_run(parent).info.run_name == "renamed"


def test_a_store_of_an_earlier_version_has_no_number_twice(stored):
    _, before = children(stored)
    sql(stored, "UPDATE metrics SET key = 'train_loss' WHERE key = 'curve/train_loss'")
    sql(stored, "UPDATE latest_metrics SET key = 'train_loss' WHERE key = 'curve/train_loss'")
    catch_up(stored)
    _, after = children(stored)
    assert not any("train_loss" in run.data.metrics for run in after.values())
    assert all("curve/train_loss" in run.data.metrics for run in after.values())
    assert after.keys() == before.keys()


def test_an_experiment_deleted_on_mlflows_pages_is_restored(stored):
    client, _ = children(stored)
    client.delete_experiment(client.get_experiment_by_name(stored.name).experiment_id)
    catch_up(stored)
    assert len(children(stored)[1]) == len(TRIALS)
