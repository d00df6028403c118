"""What `raysp compare` prints of several runs."""

import re
import shutil

import polars
import pytest
from polars import col

from raysp.driver.side_by_side import lines
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.io.terminal import Terminal
from raysp.io.yaml_files import read_yaml, write_yaml
from raysp.runs.folder import RunFolder


@pytest.fixture
def pair(shared_run, tmp_path):
    """A run, and another one of it in which one model has another setting, and better scores."""
    runs = []
    for name in ("standin-first", "standin-second"):
        shutil.copytree(shared_run.run.path, tmp_path / name)
        runs.append(RunFolder(str(tmp_path / name)))
    record = read_yaml(runs[1].experiment)
    for trial in record["trials"]:
        if trial["model"] == "sae":
            trial["hyperparameters"] = {**trial["hyperparameters"], "hidden": 77}
    write_yaml(runs[1].experiment, record)
    better = polars.read_parquet(runs[1].metrics).with_columns(
        value=polars.when(col("model") == "sae").then(col("value") + 0.5).otherwise(col("value"))
    )
    tables.write_table(runs[1].metrics, better)
    return runs


def test_models_of_two_runs_stand_side_by_side_with_what_differs(pair):
    found = list(lines(pair, Terminal(400)))
    models = [re.split(r"  +", line.strip())[0] for line in found if line.startswith("  ")]
    models = [name for name in models if name.startswith(("mean_rate", "sae,", "true_rates"))]
    assert models == ["mean_rate (floor)", "sae, standin-first", "sae, standin-second", "true_rates (ceiling)"]
    first, second = [line for line in found if "sae, standin-" in line][:2]
    score = [float(re.search(r"-?\d+\.\d+", line.replace("\N{MINUS SIGN}", "-"))[0]) for line in (first, second)]
    assert score[1] == pytest.approx(score[0] + 0.5, abs=2e-4)
    differing = [line.split() for line in found[found.index("what differs") + 2 :]]
    assert [(one[0], one[-1]) for one in differing] == [("sae.hidden", "77")]
    assert not any(line.startswith("WARNING") for line in found)


def test_other_data_or_units_under_models_that_no_two_runs_share_are_told(pair):
    record = read_yaml(pair[1].experiment)
    for trial in record["trials"]:
        trial.update(label=f"my_{trial['model']}", data="f" * 64, units=[0, 5])
    write_yaml(pair[1].experiment, record)
    found = list(lines(pair, Terminal(400)))
    told = {line.split()[1].rstrip(":"): line.split()[-1] for line in found[found.index("what differs") + 2 :]}
    assert told == {"data": "f" * 12, "units": "0,5"}
    warned = {line.split()[1] for line in found if line.startswith("WARNING") and "not the same data" in line}
    assert warned == {trial["split"] for trial in record["trials"]}
    floors = [line for line in found if line.startswith("  mean_rate (floor)")]
    assert len(floors) == 2, "each run's own table has its floor"


def test_scores_of_other_units_stand_in_tables_of_their_own_with_their_own_floor(pair):
    record = read_yaml(pair[1].experiment)
    for trial in record["trials"]:
        trial.update(units=[0, 5])
    write_yaml(pair[1].experiment, record)
    found = list(lines(pair, Terminal(400)))
    assert [line for line in found if line.startswith("WARNING") and "not of the same units" in line]
    assert sum(line.strip().startswith("mean_rate (floor)") for line in found) == 2


def test_the_same_run_copied_says_so_and_runs_of_one_name_are_told_apart(pair, tmp_path):
    shutil.copytree(pair[0].path, tmp_path / "b" / "standin-first")
    copy = RunFolder(str(tmp_path / "b" / "standin-first"))
    *_, last = found = list(lines([pair[0], copy], Terminal(400)))
    assert last.startswith("nothing differs between these 2 runs")
    assert any(f"sae, {copy.path}" in line for line in found)


def test_what_cannot_be_compared_says_why(pair):
    with pytest.raises(BadInput, match="expected each run once"):
        list(lines([pair[0], pair[0]], Terminal(80)))
    record = read_yaml(pair[1].experiment)
    write_yaml(pair[1].experiment, {**record, "trials": [{**one, "split": "other"} for one in record["trials"]]})
    with pytest.raises(BadInput, match=r"share a split.*standin-second has other"):
        list(lines(pair, Terminal(80)))
    files.remove(pair[1].metrics)
    with pytest.raises(NotReady, match=r"no scores yet; type: raysp evaluate .*standin-second"):
        list(lines(pair, Terminal(80)))
