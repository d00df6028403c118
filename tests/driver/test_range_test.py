"""raysp lr on a real small experiment: numbers, figure, and an option that raysp run takes."""

import textwrap

import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.io import files

pytestmark = pytest.mark.ray(shared=True)

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

SMALL = {"conditions": 6, "trials_per_condition": 5, "units": 7, "ms": 200}


def experiment():
    return Experiment(
        name="small",
        recordings=(Recording("lorenz", source="lorenz_ndt", settings=SMALL),),
        models=(ModelChoice("mean_rate"), ModelChoice("unet", hyperparameters={"layers": 1, "width": 4})),
        seeds=(3, 4),
        training=Training(epochs=2, batch_size=8),
    )
"""


def test_the_range_test_ends_in_an_option_that_raysp_run_takes(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(textwrap.dedent(EXPERIMENT))
    places = ["--root", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(cli.main, ["lr", str(path), "--steps", "30", *places])
    assert done.exit_code == 0, done.output
    folder = str(tmp_path / "runs" / "small" / "lr-range")
    names = files.listing(folder)
    assert sorted(name.rpartition(".")[2] for name in names) == ["json", "png"]
    found = files.read_json(f"{folder}/{next(name for name in names if name.endswith('json'))}")
    assert found["trial"].startswith("unet_lorenz_s3_")
    assert len(found["rates"]) == len(found["losses"])
    file, *options = done.output.rpartition("raysp run ")[2].split()
    assert file == str(path)
    assert options[:2] == ["--splits", "lorenz"]
    none = CliRunner().invoke(cli.main, ["lr", str(path), "--models", "mean_rate", *places])
    assert (none.exit_code, "none of mean_rate is one there" in none.output) == (2, True)
    dry = CliRunner().invoke(cli.main, ["run", str(path), *options, "--dry-run", *places])
    assert dry.exit_code == 0, dry.output
