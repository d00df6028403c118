"""raysp new: a project that runs as it is, made whole or not at all."""

import os
import pathlib
import re

import numpy as np
import polars
import pytest
from click.testing import CliRunner
from polars import col

import raysp
from raysp import cli
from raysp.cli import new
from raysp.config.own_code import adopted
from raysp.driver.plan import check_settings
from raysp.errors import BadInput
from raysp.search.space_file import read_space


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("somewhere") / "spikes7"
    result = CliRunner().invoke(cli.main, ["new", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def test_everything_has_the_projects_name_and_only_that(project):
    found = {str(path.relative_to(project)) for path in project.rglob("*.*") if "data" not in path.parts}
    assert found == {*("README.md", "experiment.py", "models/my_model.py", "search_space.yaml", "sources/my_source.py")}
    for name in found:
        assert new.CALLED not in (project / name).read_text()
    assert "runs/standin-spikes7" in (project / "README.md").read_text()
    assert os.listdir(project.parent) == ["spikes7"]


def test_the_experiment_is_read_its_recording_is_there_and_the_space_is_of_its_model(project, monkeypatch):
    monkeypatch.chdir(project)
    experiment = cli.load_experiment("experiment.py")
    assert experiment.name == "spikes7"
    (recording,) = experiment.recordings
    settings = dict(recording.settings)
    split = raysp.load_split(settings.pop("path").replace("{root}", "data"), **settings)
    assert split.name.startswith("standin-")
    space = read_space("search_space.yaml")
    assert space.model == "my_model"
    check_settings(adopted(experiment))


def test_its_model_learns_in_seconds_what_the_floor_does_not_know(project, monkeypatch):
    monkeypatch.chdir(project)
    experiment = cli.load_experiment("experiment.py")
    settings = dict(experiment.recordings[0].settings)
    split = raysp.load_split(settings.pop("path").replace("{root}", "data"), **settings)
    floor = raysp.fit("mean_rate", split, progress=False)
    mine = raysp.fit("models/my_model.py", split, progress=False, epochs=30)
    scores = [one.scores(split).filter(col("unit").is_null(), metric="co-bps") for one in (floor, mine)]
    co_bps = [one["value"].item() for one in scores]
    assert co_bps[1] > co_bps[0] + 0.02


def test_its_source_counts_the_spikes_of_a_table(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.4, size=(30, 25, 8))
    trial, at, unit = (np.repeat(index, counts.ravel()) for index in np.indices(counts.shape).reshape(3, -1))
    spikes = polars.DataFrame({"trial": trial, "unit": 10 + unit, "time_ms": 20.0 * at + rng.uniform(0, 20, len(at))})
    spikes.sample(fraction=1.0, shuffle=True, seed=1).write_csv("spikes.csv")
    source = str(project / "sources" / "my_source.py")
    split = raysp.load_split("spikes.csv", source=source)
    whole = np.concatenate([split.train.heldin, split.train.heldout], axis=2)
    np.testing.assert_array_equal(whole, counts[np.ix_(split.train.ids, range(25), split.units)])
    assert split.provenance.recordings[0][0] == "spikes.csv"
    result = CliRunner().invoke(cli.main, ["check", source, "--set", "path=spikes.csv"])
    assert result.exit_code == 0, result.output
    polars.DataFrame({"trial": [0], "time": [1.0]}).write_csv("wrong.csv")
    with pytest.raises(
        BadInput, match=r"wrong\.csv expected the columns trial, unit, time_ms; unit, time_ms is missing"
    ):
        raysp.load_split("wrong.csv", source=source)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("there", "is there already, and nothing in it is overwritten"),
        ("file", "is there already"),
        ("no/where", "expected a folder to make where in, found none at"),
        ("-x y", "project name expected letters"),
    ],
)
def test_nothing_is_overwritten_and_nothing_half_made_is_left(tmp_path, monkeypatch, name, says):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("there").mkdir()
    pathlib.Path("file").write_text("mine")
    result = CliRunner().invoke(cli.main, ["new", "--", name])
    assert result.exit_code == 2
    assert says in result.output
    assert sorted(os.listdir()) == ["file", "there"]
    assert os.listdir("there") == []


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def full(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("raysp.data.standin.nlb.write_standin", full)
    assert CliRunner().invoke(cli.main, ["new", "p"]).exit_code == 1
    assert os.listdir() == []


def test_a_project_from_a_recording_reads_it_and_fits_as_it_stands(tmp_path, monkeypatch):
    counts = np.random.default_rng(0).poisson(0.4, (24, 20, 8))
    np.savez(tmp_path / "session.npz", counts=counts, bin_ms=20)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.main, ["new", "mine", "--from", "session.npz", "--set", "heldout_fraction=0.5"])
    assert result.exit_code == 0, result.output
    monkeypatch.chdir("mine")
    (recording,) = cli.load_experiment("experiment.py").recordings
    assert (recording.name, recording.source) == ("session", "population")
    settings = dict(recording.settings)
    split = raysp.load_split(settings.pop("path"), **settings)
    assert (split.sizes.heldin, split.sizes.bin_ms) == (4, 20)
    assert raysp.fit("mean_rate", split, progress=False).scores(split).height
    assert len(os.listdir("figures")) == 3
    assert "standin" not in pathlib.Path("experiment.py").read_text()
    readme = pathlib.Path("README.md").read_text()
    assert not re.findall("standin|generated", readme)
    for text in (
        "below `runs/mine`.",
        'open_run("runs/mine")',
        "--settings runs/my_sweep ",
        "| `figures/`",
        'load_split("session")',
    ):
        assert text in readme
    refused = CliRunner().invoke(cli.main, ["new", "other", "--from", "../sesion.npz"])
    assert (refused.exit_code, os.path.exists("other")) == (2, False)
    assert "did you mean '../session.npz'?" in refused.output
    without = CliRunner().invoke(cli.main, ["new", "other", "--set", "bin_ms=20"])
    assert (without.exit_code, os.path.exists("other")) == (2, False)
    assert "give that with --from" in without.output


def test_how_far_a_large_recording_is_read_is_shown(tmp_path, monkeypatch):
    rng, told = np.random.default_rng(0), []
    table = polars.DataFrame({"time": np.sort(rng.uniform(0, 60, 4000)), "unit": rng.integers(0, 8, 4000)})
    table.write_csv(tmp_path / "spikes.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("raysp.data.formats.table_file.LARGE_BYTES", 0)
    monkeypatch.setattr("raysp.cli.reading.Reading.told", lambda self, *news: told.append(news))
    result = CliRunner().invoke(cli.main, ["new", "mine", "--from", "spikes.csv"])
    assert result.exit_code == 0, result.output
    size = os.path.getsize("spikes.csv")
    assert {(done, total) for _, done, total in told} == {(size, size)}
