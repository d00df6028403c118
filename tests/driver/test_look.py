"""What `raysp data look` finds and says."""

import numpy as np
import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.data.sources.proposed import Proposal
from raysp.driver.look import Look, given_lines, look, recording_lines
from raysp.io import files


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.2, 0.6, 8)
    counts = rng.poisson(np.broadcast_to(rates, (30, 40, 8)))
    counts[:, :, 2] = 0
    # From the middle of the recording on it fires thrice as much.
    counts[15:, :, 5] = rng.poisson(3 * rates[5], (15, 40))
    counts[:, :, 6] = rng.poisson(4.0, (30, 40))
    np.savez(tmp_path / "my session.npz", counts=counts, bin_ms=10)
    return str(tmp_path / "my session.npz")


def test_a_file_is_described_doubted_and_drawn_and_its_lines_are_python(path, tmp_path):
    result = CliRunner().invoke(cli.main, ["data", "look", path])
    assert result.exit_code == 0, result.output
    for words in (
        "counts: 30 x 40 x 8, int64, 0 to",
        "trials: 22 to train on, 8 to evaluate, of 40 bins of 10 ms",
        "units 6 fire more than 200 spikes/s",
        "1 of 8 units have no spike",
        "1 of 8 units drift (first against last third of the trials): 5",
        f"next: raysp new my_project --from '{path}'",
        f"or: raysp best '{path}' --source=population --data=counts=counts --data=bin_ms=10",
    ):
        assert words in result.output, result.output
    assert max(map(len, result.output.splitlines()[:12])) <= 100
    pictures = [one for one in files.listing(str(tmp_path)) if one.endswith(".png")]
    assert sorted(pictures) == [f"my_session-{name}.png" for name in ("counts", "rates", "time")]
    from raysp import Recording

    found = look(path, str(tmp_path), str(tmp_path))
    recording = eval("\n".join(recording_lines(found)), {"Recording": Recording})
    assert recording == Recording("my_session", "population", {"path": path, "counts": "counts", "bin_ms": 10})


def test_a_setting_that_is_given_wins_and_what_cannot_be_read_so_says_why(path, tmp_path):
    found = look(path, str(tmp_path), str(tmp_path), settings={"bin_ms": 20, "counts_bin_ms": 10, "heldout": 0})
    assert found.looked is not None
    assert "of 20 bins of 20 ms" in found.looked.lines[0]
    summed = look(path, str(tmp_path), str(tmp_path), settings={"bin_ms": 20, "heldout": 0})
    assert (summed.problem, summed.looked.lines[0]) == ("", found.looked.lines[0])
    assert "counts_bin_ms=10" in given_lines(summed)
    wrong = CliRunner().invoke(cli.main, ["data", "look", path, "--set", "counts=cuonts"])
    assert wrong.exit_code == 2
    assert "did you mean 'counts'?" in wrong.output
    assert "raysp sources population explains them" in wrong.output


def test_whole_numbers_have_no_point_wherever_they_stand():
    settings = {"bin_ms": 10.0, "window_ms": [0, 2500.0], "keep": {"block": 3.0, "side": [1.5]}, "counts": "1.0"}
    said = given_lines(Look("x", "x", Proposal("population", settings)))
    assert said == ["bin_ms=10", "window_ms=[0, 2500]", 'keep={"block": 3, "side": [1.5]}', 'counts="1.0"']


def test_a_prepared_split_of_any_kind_is_looked_at_by_its_name(shared_run, tmp_path):
    split = shared_run.run.trials()[0].split
    found = look(split, shared_run.root, str(tmp_path))
    assert (found.proposal, len(found.figures)) == (None, 3)


def test_every_path_among_the_settings_is_whole_so_that_a_project_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{time:.4f},{unit}" for unit in range(6) for time in np.sort(rng.uniform(0, 60, 400))]
    (tmp_path / "a.csv").write_text("\n".join(["time,unit", *rows]))
    (tmp_path / "b.csv").write_text("\n".join(["begin", *map(str, np.arange(1.0, 58.0, 1.5))]))
    (tmp_path / "c.csv").write_text("unit\n0\n1\n2\n3\n4\n")
    given = {"trials": "b.csv", "align": "begin", "window_ms": [0, 1000], "units": "c.csv", "bin_ms": 20}
    found = look("a.csv", str(tmp_path), str(tmp_path), settings=given)
    assert found.problem == ""
    assert {name: found.proposal.settings[name] for name in ("trials", "units")} == {
        "trials": str(tmp_path / "b.csv"),
        "units": str(tmp_path / "c.csv"),
    }
    assert found.proposal.settings["align"] == "begin"


def test_where_nothing_is_guessed_settings_of_one_source_choose_it(tmp_path):
    rng = np.random.default_rng(0)
    each = {f"{name}!": np.sort(rng.uniform(0, 60, 500)) for name in ("anna", "bert", "carl", "dora")}
    np.savez(tmp_path / "x.npz", **each)
    path, folder = str(tmp_path / "x.npz"), str(tmp_path)
    assert "no spikes or counts as raysp reads them" in look(path, folder, folder).problem
    found = look(path, folder, folder, settings={"time": "*!", "window_ms": [0, 1000], "bin_ms": 20, "heldout": 1})
    assert (found.problem, found.proposal.source) == ("", "spike_tables")
    assert "units: 4, of which 1 are held out" in found.looked.lines
    assert (
        "(a source that has bin_ms reads it: --source population or"
        in look(path, folder, folder, settings={"bin_ms": 20}).problem
    )
