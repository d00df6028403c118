"""Stand-in cells: known neurons that fire as their parameters say, the same whatever others there are."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.data.sources import clamp_neurons, clamp_standin
from raysp.data.sources.clamp_standin import Config
from raysp.errors import BadInput

CELL_P = clamp_neurons.Neuron(
    gamma=0.15,
    sigma=200.0,
    threshold=100.0,
    coefficients=np.array([0.3, 1.5]) ** 2,
    alpha=np.array([8, 0.1, -0.05, 0.1, 0.15, 0.08, 0.05, 0.02]),
    beta=np.array([-0.4, -0.3, -0.35, -0.4, -0.25, -0.2, -0.15, -0.1]),
    decay=clamp_neurons.decays(20),
)


def test_rates_are_those_of_the_published_equations():
    current = np.repeat([0, 150, 0, 220, 60, 120], [2, 6, 3, 4, 2, 3]).astype(float)
    expected = [
        0, 0, 0.0950412540, 0.0736513046, 0.0682979969, 0.0648787013, 0.0630118517, 0.0618893148, 0, 0, 0, 0.1340572525,
        0.1235484232, 0.1179619580, 0.1138053002, 0, 0, 0.0124591784, 0.0228502896, 0.0275832949,
    ]  # fmt: skip
    np.testing.assert_allclose(clamp_neurons.rates(CELL_P, current[None])[0], expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("bin_ms", "filters"), [(10, 9), (20, 8), (50, 7), (100, 6)])
def test_a_cell_has_the_filters_of_its_bin_width_and_the_gains_of_any(bin_ms, filters):
    one, metadata = clamp_neurons.neuron(3, bin_ms)
    reference, same = clamp_neurons.neuron(3, 20)
    assert len(one.alpha) == len(one.beta) == len(one.decay) == filters
    assert (metadata, one.gamma, one.threshold) == (same, reference.gamma, reference.threshold)

    def gains(given):
        return (given.alpha / (1 - given.decay) / len(given.alpha))[-5:]

    np.testing.assert_allclose(gains(one), gains(reference), rtol=1e-12)


def test_parameters_lie_around_the_published_medians():
    found = [clamp_neurons.neuron(index, 20)[0] for index in range(300)]
    assert np.median([one.alpha[0] for one in found]) == pytest.approx(8.0, rel=0.02)
    assert np.median([one.gamma for one in found]) == pytest.approx(0.147, rel=0.2)
    assert np.median([one.coefficients[1] / one.sigma for one in found]) == pytest.approx(0.0102, rel=0.2)
    assert np.median([one.beta for one in found], axis=0) == pytest.approx(
        [-0.323, -0.424, -0.397, -0.335, -0.290, -0.259, -0.233, -0.217], rel=0.3
    )


@pytest.mark.parametrize("bin_ms", [10, 20, 50, 100])
def test_counts_are_what_the_rates_lead_to_expect(bin_ms):
    split, answers = clamp_standin.build(Config(bin_ms=bin_ms, count=3, noises=60), "standin-x")
    assert answers is None
    for unit in range(3):
        one, _ = clamp_neurons.neuron(unit, bin_ms)
        sweeps = split.sweeps_of(unit, "Noise 2")
        assert len(set(split.sweep_current[sweeps])) == 1
        rates = clamp_neurons.rates(one, split.current_of(sweeps[0])[None])[0]
        mean = np.mean([split.counts_of(sweep) for sweep in sweeps], axis=0)
        assert np.abs(mean - rates * bin_ms).max() < 6 * np.sqrt(rates.max() * bin_ms / 60)
        assert mean.sum() == pytest.approx(rates.sum() * bin_ms, rel=0.05)


def test_currents_of_every_bin_width_are_the_same_in_time():
    one, _ = clamp_neurons.neuron(0, 10)
    fine = clamp_neurons.currents(0, one, 10, 5)
    for width in (20, 50, 100):
        for stimulus, values in clamp_neurons.currents(0, one, width, 5).items():
            whole = fine[stimulus][:, : values.shape[1] * (width // 10)]
            means = whole.reshape(len(values), -1, width // 10).mean(axis=2)
            np.testing.assert_allclose(values, means, rtol=1e-5, atol=1e-3)


def test_a_cell_is_the_same_whatever_others_there_are():
    few, many = (clamp_standin.build(Config(count=count), "standin-x")[0] for count in (2, 5))
    assert few.select([102]).fingerprint() == many.select([102]).fingerprint()
    np.testing.assert_array_equal(few.counts, many.counts[: len(few.counts)])
    other = clamp_standin.build(Config(count=2, seed=1), "standin-x")[0]
    assert other.fingerprint() != few.fingerprint()


def test_neurons_run_side_by_side_are_what_they_are_alone():
    neurons = [clamp_neurons.neuron(index, 20)[0] for index in range(9)]
    currents = [clamp_neurons.currents(index, one, 20, 3)["Long Square"] for index, one in enumerate(neurons)]
    for one, current, found in zip(neurons, currents, clamp_neurons.rates_of(neurons, currents), strict=True):
        np.testing.assert_array_equal(clamp_neurons.rates(one, current), found)
        np.testing.assert_array_equal(clamp_neurons.rates(one, current[1:2])[0], found[1])


def test_some_cells_begin_every_step_in_silence():
    split = clamp_standin.build(Config(count=40, noises=2), "standin-x")[0]
    points = split.first_bins(20)
    silent = split.sizes.units - len(np.unique(points.unit[points.rate > 0]))
    assert 2 <= silent <= 20


def test_it_says_that_nothing_was_measured():
    split = clamp_standin.build(Config(count=1), "standin-x")[0]
    assert clamp_standin.is_standin(Config())
    assert split.provenance.standin
    assert "nothing was measured" in split.provenance.notes[0]
    assert set(split.metadata["species"]) <= {"mouse", "human"}


def test_settings_out_of_range_are_refused():
    with pytest.raises(BadInput, match="clamp_standin, count expected at least 1, got 0"):
        Config(count=0)
    with pytest.raises(BadInput, match="clamp_standin, bin_ms"):
        Config(bin_ms=5)
