"""A movie and spike times in MATLAB files, made up in the layout of CRCNS pvc-11."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raysp.data.formats.resize import resized
from raysp.data.sources import pvc11
from raysp.data.sources.contract import contract
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
MOVIE = RNG.integers(0, 256, (9, 11, 40), dtype=np.uint8)
TIMES = [[np.sort(RNG.uniform(0, 1.6, RNG.poisson(8 * (unit + 1)))) for _ in range(24)] for unit in range(3)]
TIMES[1][4] = np.array([])


def cells(times=TIMES, scale=1.0):
    found = np.empty((len(times), len(times[0])), object)
    for place in np.ndindex(found.shape):
        found[place] = times[place[0]][place[1]][:, None] * scale
    return found


def written(folder, movie=MOVIE, events=None, **settings):
    events = cells() if events is None else events
    savemat(folder / "movie.mat", {"M": movie})
    savemat(folder / "spikes.mat", {"events": events})
    paths = {"movie": str(folder / "movie.mat"), "spikes": str(folder / "spikes.mat")}
    return paths | {"height": 4, "width": 5, **settings}


def built(settings):
    return pvc11.build(pvc11.Config(**settings), "monkey")


def binned(times):
    return np.histogram(times, np.arange(41) * 0.04)[0]


def v73(path, **variables):
    """Write variables as MATLAB's save -v7.3 does: axes reversed, cells as references, 512 bytes in front."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            if value.dtype != object:
                file[name] = value.T
                file[name].attrs["MATLAB_class"] = np.bytes_(str(value.dtype))
                continue
            references = np.empty(value.T.shape, h5py.ref_dtype)
            for number, place in enumerate(np.ndindex(references.shape)):
                cell = value[place[::-1]]
                one = file.create_dataset(f"#refs#/{number}", data=cell.T if cell.size else np.array([0, 1], np.uint64))
                one.attrs["MATLAB_class"] = np.bytes_("double")
                if not cell.size:
                    one.attrs["MATLAB_empty"] = 1
                references[place] = one.ref
            file[name] = references
            file[name].attrs["MATLAB_class"] = np.bytes_("cell")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM")


def test_times_become_bins_and_frames_are_resized(tmp_path):
    split, answers = built(written(tmp_path, counts=True, order="recorded"))
    assert [part[0].numbers.tolist() for part in (split.train, split.test, split.validation)] == [
        list(range(16)), list(range(16, 22)), [22, 23],
    ]  # fmt: skip
    np.testing.assert_array_equal(split.movies[0], resized(np.moveaxis(MOVIE, 2, 0), 4, 5))
    for part in (split.train, split.validation, answers.test):
        for number, spikes in zip(part[0].numbers, part[0].spikes, strict=True):
            np.testing.assert_array_equal(spikes.T, [binned(unit[number]) for unit in TIMES])


def test_files_of_version_73_and_times_in_milliseconds_give_the_same(tmp_path):
    expected = built(written(tmp_path))[0].fingerprint()
    milliseconds = built(written(tmp_path, events=cells(scale=1000.0), times="ms"))[0]
    assert milliseconds.fingerprint() == expected
    settings = written(tmp_path)
    v73(settings["movie"], M=MOVIE)
    v73(settings["spikes"], events=cells())
    assert built(settings)[0].fingerprint() == expected
    for _, check in contract("pvc11", settings):
        check()


def test_spikes_outside_the_movie_are_left_out_and_said(tmp_path):
    late = [[np.append(one, (-0.3, 1.61, 2.0)) for one in unit] for unit in TIMES]
    split, _ = built(written(tmp_path, events=cells(late)))
    assert split.fingerprint() == built(written(tmp_path))[0].fingerprint()
    left_out = 3 * 3 * 24 / sum(len(one) for unit in late for one in unit)
    assert split.provenance.notes[0] == f"{left_out:.2%} of the spikes lie outside the movie, and are left out"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"events": cells(scale=1000.0)}, "got 100% of them outside it, .* give times: ms"),
        ({"movie": MOVIE.transpose(2, 0, 1)}, r"of a movie of 11 frames .* or a movie \(y, x, frames\)"),
        (
            {"movie": np.zeros((9, 11, 3, 40), np.uint8)},
            r"expected a grey movie \(y, x, frames\), got \(9, 11, 3, 40\)",
        ),
        ({"events": np.zeros((3, 24))}, r"expected a cell array \(units, repeats\) of spike times, got float64"),
        ({"events": cells([[np.array([0.1, np.nan])] * 24] * 3)}, r"events\{1,1\} expected finite spike times"),
        ({"events": cells([[np.array([])] * 24] * 3)}, "expected spike times, got none"),
        ({"events": cells([unit[:2] for unit in TIMES])}, "expected two or more repeats to train on"),
        ({"spikes_variable": "spikes"}, r"spikes\.mat: unknown variable 'spikes'"),
        ({"times": "minutes"}, "times"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, changes, says):
    with pytest.raises(BadInput, match=says):
        built(written(tmp_path, **changes))


def test_a_damaged_file_is_refused(tmp_path):
    settings = written(tmp_path)
    whole = (tmp_path / "spikes.mat").read_bytes()
    (tmp_path / "spikes.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"spikes\.mat is cut off or damaged"):
        built(settings)
