import numpy as np

from raysp.data.formats import tally


def test_bins_and_spikes_are_summed_up_over_blocks_of_trials(monkeypatch):
    monkeypatch.setattr(tally, "BLOCK", 10)
    counts = np.arange(2.0 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    counts[0, 1, 2], counts[1, :, 3] = np.nan, np.nan

    seen, spikes = tally.tally(counts)

    assert seen.tolist() == [6, 6, 5, 3]
    assert spikes.tolist() == np.nansum(counts, axis=(0, 1)).tolist()
    assert [tally.tally(counts[:0])[0].tolist(), len(list(tally.blocks(counts)))] == [[0, 0, 0, 0], 2]


def test_trials_bins_and_units_are_taken_as_indexing_takes_them(monkeypatch):
    monkeypatch.setattr(tally, "BLOCK", 7)
    counts = np.random.default_rng(0).poisson(1.0, (5, 4, 3)).astype(np.float32)
    trials, units = np.array([4, 0, 2, 2]), np.array([2, 0])

    found = tally.taken(counts, trials, slice(1, None), units)

    np.testing.assert_array_equal(found, counts[trials][:, 1:][..., units])
    assert tally.taken(counts, trials, slice(4, None), units).shape == (4, 0, 2)
