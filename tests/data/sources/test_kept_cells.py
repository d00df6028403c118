"""Cells that were read are kept: an interrupted preparation goes on, and what changed is read anew."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from raysp.data.formats import allen_nwb
from raysp.data.sources import allen_cell_types, kept_cells
from tests.data.clamp_files import allen_sweeps, write_allen

UNITS = (4, 7, 11)


@pytest.fixture
def folder(tmp_path):
    for unit in UNITS:
        write_allen(tmp_path / f"{unit}.nwb", allen_sweeps(unit))
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """The numbers of the cells whose files are read."""
    found, read = [], allen_nwb.read
    monkeypatch.setattr(allen_nwb, "read", lambda path, unit, *rest: found.append(unit) or read(path, unit, *rest))
    return found


def built(folder, **options):
    return allen_cell_types.build(allen_cell_types.Config(path=str(folder), **options), "mine")[0]


def test_an_interrupted_preparation_goes_on_with_the_same_numbers(folder, reads, monkeypatch):
    whole = built(shutil.copytree(folder, folder / "copy"))
    reads.clear()

    def stopped(path, unit, *rest, read=allen_nwb.read):
        if unit == 11:
            raise KeyboardInterrupt
        return read(path, unit, *rest)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(allen_nwb, "read", stopped)
        built(folder)
    assert reads == [4, 7]
    again = built(folder)
    assert reads == [4, 7, 11]
    assert again.fingerprint() == whole.fingerprint()
    np.testing.assert_array_equal(again.gamma, whole.gamma)
    assert built(folder).fingerprint() == whole.fingerprint()
    assert reads == [4, 7, 11]


def test_what_changed_is_read_anew(folder, reads):
    built(folder)
    reads.clear()
    write_allen(folder / "7.nwb", allen_sweeps(8))
    built(folder)
    assert reads == [7]
    reads.clear()
    built(folder, bin_ms=10)
    assert reads == [4, 7, 11]
    reads.clear()
    built(folder, bin_ms=10, train=("Noise 1",))
    assert reads == [4, 7, 11]


def test_what_was_kept_and_is_damaged_is_read_anew(folder, reads):
    expected = built(folder).fingerprint()
    reads.clear()
    kept = folder / kept_cells.FOLDER / "7.h5"
    whole = kept.read_bytes()
    for damaged in (whole[:300], b"", whole[: len(whole) // 2] + b"\0" * 64 + whole[len(whole) // 2 + 64 :]):
        kept.write_bytes(damaged)
        assert built(folder).fingerprint() == expected
    assert reads == [7, 7, 7]


def test_odd_sweeps_are_noted_each_time(folder):
    odd = allen_sweeps(4)
    odd[1].current = np.full(200, 5.0)
    write_allen(folder / "4.nwb", odd)
    assert built(folder).provenance.notes == built(folder).provenance.notes
    assert "never changes" in built(folder).provenance.notes[0]


def test_why_sweeps_cannot_be_used_is_kept(folder, reads):
    odd = allen_sweeps(4)
    for sweep in odd:
        if sweep.stimulus == "Noise 1":
            sweep.current = np.where(np.arange(len(sweep.current)) == 150, np.nan, sweep.current)
    write_allen(folder / "4.nwb", odd)
    gone = [built(folder).left_out for _ in range(2)]
    assert reads == [4, 7, 11]
    assert gone[0] == gone[1]
    ((unit, reason),) = gone[0]
    assert (unit, reason.partition("that can be used (")[0]) == (4, "has no sweep of Noise 1 ")
    assert "the first has a current that is not finite at 1 samples" in reason


def test_a_folder_that_cannot_be_written_keeps_nothing(folder, monkeypatch):
    expected = built(shutil.copytree(folder, folder / "copy")).fingerprint()
    (folder / kept_cells.FOLDER).write_text("a file in the place of the folder")
    assert built(folder).fingerprint() == expected
