"""The retina under moving bars, as it is given away; on the real files where these are there."""

from pathlib import Path

import numpy as np
import pytest

from raysp.data.sources import bars_retina
from raysp.errors import BadInput

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "movie"


def pictures(count, seed=0):
    return np.repeat(np.random.default_rng(seed).integers(0, 2, (count, 1, 31)).astype(np.uint8), 10, axis=0)


def test_ten_bins_of_a_picture_are_one_and_matlabs_file_gives_the_same(tmp_path):
    from scipy.io import savemat

    frames, spikes = pictures(12), np.random.default_rng(1).poisson(0.1, (20, 120, 6)).astype(np.uint8)
    for name in ("npz", "mat"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "npz" / bars_retina.REPEATED, frames=frames, spikes=spikes)
    stimulus = {"stimulus_test": frames.transpose(2, 1, 0), "spikes_test": spikes.transpose(2, 1, 0).astype(float)}
    savemat(tmp_path / "mat" / bars_retina.MATLAB, stimulus)
    new, once = np.stack([pictures(20, seed) for seed in (1, 2, 3)]), np.random.default_rng(2).poisson(0.1, (3, 200, 6))
    packed = np.packbits(new[:, :, 0], axis=2)
    np.savez(tmp_path / "npz" / bars_retina.NEW, frames=packed, spikes=once.astype(np.uint8))
    train = {"stimulus": new.transpose(3, 2, 1, 0), "spikes_train": once.transpose(2, 1, 0)}
    savemat(tmp_path / "mat" / bars_retina.NEW_MATLAB, train)
    one, other = (
        bars_retina.build(bars_retina.Config(path=str(tmp_path / name), counts=True, new_movies=2), "bars")[0]
        for name in ("npz", "mat")
    )
    assert one.fingerprint() == other.fingerprint()
    np.testing.assert_array_equal(one.movies[2], new[1, ::10].astype(np.float32))
    np.testing.assert_array_equal(one.test[2].spikes, once[1:2].reshape(1, 20, 10, 6).sum(axis=2))
    np.testing.assert_array_equal(one.movies[0], frames[::10].astype(np.float32))
    expected = spikes.reshape(20, 12, 10, 6).sum(axis=2)
    np.testing.assert_array_equal(one.train[0].spikes, expected[one.train[0].numbers])


def test_pictures_that_change_between_are_refused(tmp_path):
    frames = pictures(12)
    frames[5] = 1 - frames[5]
    np.savez(tmp_path / bars_retina.REPEATED, frames=frames, spikes=np.zeros((20, 120, 6), np.uint8))
    with pytest.raises(BadInput, match="expected pictures that last 10 bins"):
        bars_retina.build(bars_retina.Config(path=str(tmp_path)), "bars")


def test_a_matlab_file_of_something_else_is_refused(tmp_path):
    (tmp_path / bars_retina.MATLAB).write_bytes(b"no MATLAB file")
    with pytest.raises(BadInput, match="is plain text that begins 'no MATLAB file'"):
        bars_retina.build(bars_retina.Config(path=str(tmp_path)), "bars")


@pytest.mark.skipif(not (REAL / bars_retina.REPEATED).exists(), reason=f"needs the recording, {REAL}")
def test_the_recording_has_54_repeats_of_400_pictures_and_new_movies():
    split, answers = bars_retina.build(bars_retina.Config(path=str(REAL), new_movies=30), "bars")
    assert [len(part[0]) for part in (split.train, split.validation, split.test)] == [32, 8, 14]
    assert split.sizes.lengths == (400,)
    assert len(answers.test) == 31
    assert answers.test[30].spikes.shape == (1, 2160, 6)
    assert "two spikes or more" in split.provenance.notes[0]
    spikes = np.concatenate([part[0].spikes for part in (split.train, split.validation, split.test)])
    rates = spikes.mean(axis=(0, 1))
    assert 0.07 < rates.min() < rates.max() < 0.18
