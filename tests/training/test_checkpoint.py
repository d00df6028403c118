from __future__ import annotations

import errno
import os
import zipfile

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


def test_a_folder_in_its_place_is_refused_since_none_could_be_written(path):
    os.mkdir(path)
    with pytest.raises(BadInput, match="expected a checkpoint, got a folder; remove it"):
        checkpoint.load(path, "a")


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


def flipped(content: bytes, place: int) -> bytes:
    found = bytearray(content)
    found[place] ^= 1 << place % 8
    return bytes(found)


def test_any_flipped_bit_is_told_of_or_changes_nothing(path):
    state = {"weights": torch.full((100,), 0.1), "random": torch.get_rng_state()[:64], "rows": [{"loss": 0.5}]}
    checkpoint.save(path, "a", state)
    with open(path, "rb") as file:
        whole = file.read()
    right, taken = checkpoint.load(path, "a"), 0
    for place in (*range(0, len(whole), 37), *range(len(whole) - 120, len(whole))):
        with open(path, "wb") as file:
            file.write(flipped(whole, place))
        found = checkpoint.load(path, "a")
        if not isinstance(found, str):
            assert torch.equal(found["weights"], right["weights"])
            assert torch.equal(found["random"], right["random"])
            assert found["rows"] == right["rows"]
            taken += 1
    # Of the mark itself and of the comment's length, which are no part of the state.
    assert taken <= len(checkpoint.MARK) + checkpoint.LENGTH + 2


def test_one_that_another_program_wrote_anew_is_damaged(path):
    checkpoint.save(path, "a", {"weights": torch.arange(3.0)})
    state = torch.load(path, weights_only=True)
    torch.save({**state, "weights": torch.arange(3.0) + 1}, path)
    assert checkpoint.load(path, "a") == "the checkpoint is damaged (its digest is gone)"


def test_other_readers_open_it_as_torchs_own(path):
    checkpoint.save(path, "a", {"weights": torch.arange(3.0)})
    assert torch.equal(torch.load(path, weights_only=True)["weights"], torch.arange(3.0))
    with zipfile.ZipFile(path) as members:
        assert members.testzip() is None


@pytest.mark.parametrize("damage", [False, True])
def test_one_of_an_earlier_version_is_read_and_its_own_checksums_are_compared(path, damage):
    torch.save({"format": 1, "trial": "a", "weights": torch.full((100,), 0.1)}, path)
    if damage:
        with open(path, "rb") as file:
            content = file.read()
        place = content.index(torch.full((4,), 0.1).numpy().tobytes())
        with open(path, "wb") as file:
            file.write(flipped(content, place + 3))
    found = checkpoint.load(path, "a")
    assert "damaged" in found if damage else torch.equal(found["weights"], torch.full((100,), 0.1))
