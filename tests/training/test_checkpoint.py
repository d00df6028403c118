from __future__ import annotations

import errno

import pytest
import torch

from raysp.errors import BadInput
from raysp.training import checkpoint


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "checkpoint.pt")


def test_what_is_saved_comes_back(path):
    checkpoint.save(
        path, "a", {"weights": torch.arange(3.0), "rows": [{"loss": 0.5, "none": None}], "best": float("inf")}
    )
    state = checkpoint.load(path, "a")
    assert torch.equal(state["weights"], torch.arange(3.0))
    assert state["rows"] == [{"loss": 0.5, "none": None}]
    assert state["best"] == float("inf")


def test_no_file_is_no_state(path):
    assert checkpoint.load(path, "a") is None


def test_another_trials_checkpoint_is_refused(path):
    checkpoint.save(path, "a", {})
    with pytest.raises(BadInput, match="of trial b, got that of a"):
        checkpoint.load(path, "b")


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.98])
def test_a_cut_file_is_told_of(path, keep):
    checkpoint.save(path, "a", {"weights": torch.zeros(1000)})
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    assert "damaged" in checkpoint.load(path, "a")


def test_another_version_is_told_of(path):
    torch.save({"epoch": 3}, path)
    assert "another version" in checkpoint.load(path, "a")


def test_code_in_a_checkpoint_is_never_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"format": 1, "trial": "a", "trap": Trap()}, path)
    assert "damaged" in checkpoint.load(path, "a")
    assert not (tmp_path / "sprung").exists()


def test_a_full_disk_leaves_the_earlier_checkpoint(path, tmp_path, monkeypatch):
    checkpoint.save(path, "a", {"epoch": 1})

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, "a", {"epoch": 2})
    assert checkpoint.load(path, "a")["epoch"] == 1
    assert [item.name for item in tmp_path.iterdir()] == ["checkpoint.pt"]
