"""The campaign itself, small; `make faults` gives 200 kills."""

import os
import shutil

import pytest

from raysp.io import files
from tests.faults.campaign import Campaign, run, small_disk, table
from tests.faults.compare import trial_differences


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(10800)
def test_twenty_kills_change_nothing(tmp_path):
    campaign = run(Campaign(str(tmp_path), kills=20))
    assert campaign.killed >= 20
    assert not campaign.problems, table(campaign) + "\n".join(campaign.problems)


@pytest.fixture
def pair(tmp_path):
    for name, seconds in (("quiet", 1.0), ("disturbed", 2.0)):
        files.write_json(str(tmp_path / name / "done.json"), {"validation_loss": 0.25, "seconds": seconds})
    return str(tmp_path / "quiet"), str(tmp_path / "disturbed")


def test_only_the_clock_may_differ(pair):
    assert trial_differences(*pair) == []


def test_a_number_that_differs_in_the_last_bit_is_found(pair):
    files.write_json(f"{pair[1]}/done.json", {"validation_loss": 0.25000000000000006, "seconds": 1.0})
    (line,) = trial_differences(*pair)
    assert "validation_loss" in line


def test_a_trial_that_is_not_finished_or_that_failed_is_found(pair):
    files.write_text(f"{pair[1]}/error.txt", "OSError")
    assert trial_differences(*pair) == ["an error is left"]
    shutil.rmtree(pair[1])
    assert trial_differences(*pair) == ["it is not finished"]


def test_a_small_disk_is_small_and_goes_away(tmp_path):
    with small_disk(str(tmp_path / "disk")) as bounded:
        if not bounded:
            pytest.skip("mounting a small file system needs root and tmpfs")
        with (
            pytest.raises(OSError, match="No space left"),
            open(tmp_path / "disk" / "ballast", "wb", buffering=0) as file,
        ):
            while file.write(b"\0" * 1_000_000):
                pass
        assert os.path.ismount(tmp_path / "disk")
    assert not os.path.ismount(tmp_path / "disk")
