"""`raysp best` from end to end, in this process: killed, gone on with, extended."""

import numpy as np
import pytest
from click.testing import CliRunner

import raysp
from raysp import cli
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.study import read_studies
from tests.driver.here import candidates, without_ray

SPACE = "model: sae\nspace: {model.hidden: {int: [4, 12]}, training.learning_rate: {loguniform: [0.001, 0.02]}}\n"
SMALL = ("sae.hidden=6", "sae.encoder_hidden=6", "training.epochs=20", "training.steps_per_epoch=1")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE)
    rates = np.random.default_rng(0).gamma(2.0, 0.3, size=(24, 1, 8))
    np.savez(tmp_path / "day7.npz", spikes=np.random.default_rng(1).poisson(rates, size=(24, 6, 8)))
    return tmp_path


def best(folder, minutes, *options):
    sets = [word for one in SMALL for word in ("--set", one)]
    common = ["--root", str(folder / "data"), "--runs", str(folder), "--models", "mean_rate,smoothing,sae", *sets]
    own = ["--data", "bin_ms=20", "--data", "counts=spikes", "--space", str(folder / "space.yaml")]
    return CliRunner().invoke(
        cli.main, ["best", str(folder / "day7.npz"), *own, "--minutes", str(minutes), "--seeds", "1", *common, *options]
    )


def proposed(folder):
    return {one.definition.model: candidates(one) for one in read_studies(RunFolder(str(folder / "best-day7/search")))}


def test_where_nothing_hidden_fires_it_is_refused_before_anything_is_trained(folder, monkeypatch):
    counts = np.load(folder / "day7.npz")["spikes"]
    counts[..., raysp.load_split(counts, bin_ms=20).units[-2:]] = 0
    np.savez(folder / "day7.npz", spikes=counts)
    with monkeypatch.context() as patch:
        without_ray(patch)
        found = best(folder, 1)
    assert found.exit_code == 2, found.output
    assert "no model of day7 can be told from another: nothing that is hidden has a spike in the 4 val" in found.output
    assert not (folder / "best-day7/final").exists()


def test_other_data_under_its_name_are_refused_unless_it_is_to_start_over(folder, monkeypatch):
    spent, results = (folder / "best-day7" / name for name in ("clock.json", "search/candidates.parquet"))

    def tried(*options):
        with monkeypatch.context() as patch:
            without_ray(patch, ends=lambda trial: True)
            return best(folder, 20, *options)

    assert tried().exit_code == 130
    assert proposed(folder).keys() == {"mean_rate", "smoothing", "sae"}
    files.write_json(str(spent), {"seconds": 1e6})
    results.write_text("of the search before")
    np.savez(folder / "day7.npz", spikes=np.load(folder / "day7.npz")["spikes"][::-1])
    refused = tried()
    assert refused.exit_code == 2, refused.output
    assert "is another study (data: " in refused.output
    assert "throw the old one away with --force" in refused.output
    typo = tried("--force", "--models", "saee")
    assert typo.exit_code == 2, typo.output
    assert results.exists()
    anew = tried("--force")
    assert anew.exit_code == 130, anew.output
    assert not results.exists()
    assert files.read_json(str(spent))["seconds"] < 1e5
    assert tried().exit_code == 130


@pytest.mark.slow
def test_it_is_killed_goes_on_finds_the_best_and_with_more_time_goes_on_from_there(folder, monkeypatch):
    count = []
    with monkeypatch.context() as patch:
        without_ray(patch, seconds=150.0, ends=lambda trial: count.append(trial) or len(count) == 3)
        killed = best(folder, 20)
    assert killed.exit_code == 130, killed.output
    before = proposed(folder)
    assert {model: len(found) for model, found in before.items()} == {"mean_rate": 1, "smoothing": 1, "sae": 1}
    with monkeypatch.context() as patch:
        without_ray(patch, seconds=150.0)
        done = best(folder, 20)
    assert done.exit_code == 0, done.output
    run = RunFolder(str(folder / "best-day7"))
    after = proposed(folder)
    assert all(after[model][: len(found)] == found for model, found in before.items())
    told = files.read_json(run.path + "/best.json")
    assert told["objective"] == "unseen_loss"
    assert told["floor"]["model"] == "mean_rate"
    assert f"best of {sum(map(len, after.values()))} candidates: {told['winner']['label']}" in done.output
    assert "the same command with --minutes 40" in done.output.lower()
    page = files.read_text(run.report + "/report.html")
    assert told["winner"]["label"] in page
    assert "co-bps" in page

    with monkeypatch.context() as patch:
        without_ray(patch, seconds=150.0)
        more = best(folder, 26)
    assert more.exit_code == 0, more.output
    extended = proposed(folder)
    assert sum(map(len, extended.values())) > sum(map(len, after.values()))
    assert all(extended[model][: len(found)] == found for model, found in after.items())
    assert len(files.read_json(run.path + "/best.json")["submissions"]) == 2
