"""Both protocols on whole splits: cells that do not meet, failures that are rows, fits that are stopped."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.data.sources import clamp_standin
from raysp.errors import BadInput, Interrupted
from raysp.models import catalog
from raysp.models.gfr import clean, groups, running, torch_descent, torch_second_order
from raysp.models.gfr.parameters import filters
from tests.data.clamp_splits import made_up
from tests.models.gfr import golden

PAPER = {"protocol": "paper", "epochs": 120}
WAYS = {"clean": {}, "warm": {"warm_up": 10, "starts": 2, "softness": (0.0,)}, "paper": PAPER}


class Once:
    """Stages that are kept, and end after so many new ones."""

    def __init__(self, done=None, most=1000):
        self.done, self.most = {} if done is None else done, most

    def report(self, note):
        raise AssertionError(note)

    def once(self, name, make):
        if name not in self.done:
            self.done[name] = make()
            self.most -= 1
            if self.most == 0:
                raise Interrupted(name)
        return self.done[name]


@pytest.fixture(scope="module")
def cells():
    config = clamp_standin.Config(count=5, seed=3, steps=6, ramps=1, noises=2)
    return clamp_standin.build(config, "few")[0]


def fitted(split, way, stages=None, seed=0):
    torch.manual_seed(seed)
    model = catalog.build("gfr", way, split.sizes)
    model.fit(split, stages or Once())
    return model


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_units_numbers_are_the_same_in_any_chunk(cells, way):
    whole = fitted(cells, way)
    for chosen in ([int(cells.unit_ids[3])], cells.unit_ids[[0, 3, 4]].tolist()):
        part = cells.select(chosen)
        model = fitted(part, way)
        assert model.rows() == [row for row in whole.rows() if row["unit"] in chosen]
        for number in chosen:
            at, among = np.searchsorted(part.unit_ids, number), np.searchsorted(cells.unit_ids, number)
            np.testing.assert_array_equal(model.theta[at], whole.theta[among])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_fit_that_is_stopped_goes_on_with_the_same_numbers(cells, way, monkeypatch):
    unbroken = fitted(cells, way).rows()
    monkeypatch.setattr(clean, "BLOCK", 2)
    for most in (1, 2, 3):
        done = {}
        with pytest.raises(Interrupted):
            fitted(cells, way, Once(done, most))
        assert len(done) == most
        assert fitted(cells, way, Once(done), seed=99).rows() == unbroken


def test_no_cell_is_dead_and_clean_explains_more_than_its_floors(cells):
    clean_fit = fitted(cells, {})
    rows = [row for row in clean_fit.rows() if row["chosen"]]
    assert [row["unit"] for row in rows] == cells.unit_ids.tolist()
    assert all(row["validation_evr"] > 0.3 for row in rows)
    torch.manual_seed(0)
    static = catalog.build("clamp_static", {}, cells.sizes)
    static.fit(cells, Once())
    found = [np.median([row["validation_evr"] for row in one.rows() if row["chosen"]]) for one in (clean_fit, static)]
    assert found[0] > found[1]


def silent_first_bins(split):
    counts = split.counts.copy()
    for sweep in np.flatnonzero(split.sweep_stimulus == split.stimuli.index("Long Square")):
        counts[split.sweep_ptr[sweep]] = 0
    return dataclasses.replace(split, counts=counts)


def test_a_cell_without_a_spike_in_first_bins_lives_in_clean_and_is_dead_in_paper(cells):
    split = silent_first_bins(cells)
    live, dead = fitted(split, {}), fitted(split, PAPER)
    chosen = [row for row in live.rows() if row["chosen"]]
    assert len(chosen) == len(split.unit_ids)
    assert all(row["validation_evr"] > 0.3 for row in chosen)
    rates = dead.rates(split)
    assert np.nanmax(rates) < 1e-30
    assert all(abs(row["validation_evr"]) < 1e-9 for row in dead.rows() if row["chosen"])


@pytest.mark.parametrize(
    ("protocol", "through_torch"), [("clean", {"train", "descend", "together"}), ("paper", {"train"})]
)
def test_an_accelerator_fits_through_torch(protocol, through_torch):
    model = catalog.build("gfr", {"protocol": protocol}, made_up(1).sizes)
    assert not model._ways()
    assert set(model.to("meta")._ways()) == through_torch


def test_through_torch_clean_comes_to_the_same_candidates_and_choices():
    part, cpu = made_up(3), torch.device("cpu")
    config = catalog.config("gfr", {"starts": 1, "softness": [1.0], "bent_taus_ms": [50.0]})
    heard = filters(20, config.taus_ms, config.bends, config.bent_taus_ms)
    ours = clean.fit(part, config, heard, 0, Once())
    ways = {"train": torch_descent.on(cpu), "descend": torch_second_order.on(cpu), "together": 2}
    found = clean.fit(part, config, heard, 0, Once(), **ways)
    np.testing.assert_array_equal(found.chosen, ours.chosen)
    np.testing.assert_allclose(found.train_loss, ours.train_loss, rtol=1e-3)
    np.testing.assert_allclose(found.validation_evr, ours.validation_evr, atol=5e-3)


def test_a_saved_model_runs_the_same_and_a_failed_cell_has_no_rates(cells):
    split = dataclasses.replace(cells, gamma=np.where(np.arange(5) == 1, np.nan, cells.gamma))
    model = fitted(split, PAPER)
    failed = [row for row in model.rows() if row["status"] == "failed"]
    assert [(row["unit"], row["chosen"]) for row in failed] == [(int(split.unit_ids[1]), False)]
    assert "no sweep has two spikes" in failed[0]["reason"]
    rates = model.rates(split)
    owner = np.zeros(len(split.current_ptr) - 1, int)
    owner[split.sweep_current] = split.sweep_unit
    assert np.isnan(rates).tolist() == np.repeat(owner == 1, np.diff(split.current_ptr)).tolist()
    again = catalog.build("gfr", PAPER, split.sizes)
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(again.rates(split), rates)


def test_a_unit_without_a_spike_to_train_on_is_a_row_with_its_reason():
    split = made_up(3)
    counts = split.counts.copy()
    own = np.flatnonzero(split.sweep_unit == 1)
    counts[split.sweep_ptr[own[0]] : split.sweep_ptr[own[-1] + 1]] = 0
    rows = fitted(dataclasses.replace(split, counts=counts), {}).rows()
    assert [row["reason"] for row in rows if row["unit"] == 8] == [
        "has no spike in the bins that it trains on, or its loss is not finite"
    ]


def test_parts_keep_apart_what_trains_and_what_validates():
    split = made_up(2, timed=True)
    for name in ("train", "validation"):
        first, last = split.edges(name)
        scored = sum(float(one.weight.sum()) for one in groups.part(split, name))
        assert scored == (last - first).sum()
        spikes = sum(float((one.weight * one.counts).sum()) for one in groups.part(split, name))
        counted = sum(
            int(split.counts_of(sweep)[first[sweep] : last[sweep]].sum()) for sweep in range(len(split.sweep_unit))
        )
        assert spikes == pytest.approx(counted)


def test_published_groups_are_padded_and_weigh_repeats():
    split = made_up(2)
    found = groups.published(split, 0)
    for unit in range(2):
        own = [one for one in found.sequences if one.unit == unit]
        assert len({one.group for one in own}) == 3
        for group in range(3):
            lengths = {len(one.current) for one in own if one.group == group}
            assert len(lengths) == 1
            assert found.normal[group, unit] == pytest.approx(1 / (3 * lengths.pop()))
            assert sum(one.weight[-1] for one in own if one.group == group) == pytest.approx(1)


def recounted(split, counts_of):
    """Return the split with other counts of its sweeps that train."""
    counts, first = split.counts.copy(), split.sweep_ptr
    for sweep in np.flatnonzero(split.sweep_parts[:, 0] > 0):
        counts[first[sweep] : first[sweep + 1]] = counts_of(sweep, split.counts_of(sweep))
    return dataclasses.replace(split, counts=counts)


def one_spike(split):
    noise = np.flatnonzero((split.sweep_stimulus == split.stimuli.index("Noise 1")) & (split.sweep_parts[:, 0] > 0))
    first = np.array([noise[split.sweep_unit[noise] == unit][0] for unit in range(split.sizes.units)])
    return recounted(split, lambda sweep, own: (np.arange(len(own)) == np.argmax(own)) * (sweep in first))


def in_steps_alone(split):
    steps = split.stimuli.index("Long Square")
    return recounted(split, lambda sweep, own: own * (split.sweep_stimulus[sweep] == steps))


def at_the_end_alone(split):
    return recounted(split, lambda sweep, own: (np.arange(len(own)) == len(own) - 1).astype(own.dtype))


@pytest.mark.parametrize("odd", [one_spike, in_steps_alone, at_the_end_alone])
def test_no_cell_with_a_spike_to_train_on_is_dead(cells, odd):
    split = odd(cells)
    model = fitted(split, {"starts": 1})
    assert not model.reasons
    rates, owner = model.rates(split), np.zeros(len(split.current_ptr) - 1, int)
    owner[split.sweep_current] = split.sweep_unit
    trained = np.isin(np.arange(len(owner)), split.sweep_current[split.sweep_parts[:, 0] > 0])
    for unit in range(split.sizes.units):
        own = np.repeat((owner == unit) & trained, np.diff(split.current_ptr))
        assert np.isfinite(rates[own]).all()
        assert rates[own].max() * split.sizes.bin_ms > 1e-4


def test_bent_inputs_are_found_where_a_cell_has_them(cells):
    theta = np.concatenate([np.zeros(7), [-0.6], golden.cell_p().theta()[0]])
    theta[-2] = 0.2
    heard = filters(20, bends=(0.2, 0.4), bent_taus_ms=(50.0, 200.0, 1000.0))
    rng, counts, last = np.random.default_rng(0), cells.counts.copy(), cells.sweep_ptr
    for sweep in range(len(cells.sweep_unit)):
        current = cells.current_of(sweep).astype(np.float64)
        rates = np.empty(len(current))
        running.run(current, theta, 250.0, heard, rates)
        counts[last[sweep] : last[sweep + 1]] = rng.poisson(rates * 20)
    split = dataclasses.replace(cells, counts=counts)
    both = [row for row in fitted(split, {}).rows() if row["chosen"]]
    plain = [row for row in fitted(split, {"bends": ()}).rows() if row["chosen"]]
    assert sum(len(row["bent"]) == 8 for row in both) >= 4
    assert not any(row["bend"] for row in plain)
    evr = [np.array([row["validation_evr"] for row in rows]) for rows in (both, plain)]
    assert (evr[0] >= evr[1]).all()
    assert evr[0].mean() > evr[1].mean() + 0.01


def test_starts_are_live_under_every_positive_current(cells):
    theta = np.stack([clean.start(cells, 0, number, 8, 1, 0) for number in range(4)])
    assert len(np.unique(theta, axis=0)) == 4
    assert theta[0, -2] <= 0 < theta[0, 16]


@pytest.mark.parametrize(
    "way",
    [
        {"degree": 0}, {"starts": 0}, {"learning_rates": ()}, {"softness": (-1.0,)}, {"taus_ms": (0.0,)},
        {"gamma_least": 3.0, "gamma_most": 2.0}, {"lasso": 0.1}, {"feedback": 0.0}, {"protocol": "papre"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(way, cells):
    with pytest.raises(BadInput):
        catalog.build("gfr", way, cells.sizes)


def test_activation_bins_that_do_not_divide_are_refused_at_planning():
    sizes = dataclasses.replace(made_up(1).sizes, bin_ms=50)
    with pytest.raises(BadInput, match="multiple of the data's bins of 50 ms, got 20"):
        catalog.on_paper("gfr", {"protocol": "paper"}, sizes)


def test_floors_and_the_ceiling(cells):
    models = {
        name: catalog.build(f"clamp_{name}", {}, cells.sizes) for name in ("silent", "mean_rate", "psth", "linear")
    }
    for model in models.values():
        model.fit(cells, Once())
    assert not models["silent"].rates(cells).any()
    means = models["mean_rate"].rates(cells)
    first, last = cells.edges("train")
    own = np.flatnonzero(cells.sweep_unit == 2)
    spikes = sum(int(cells.counts_of(sweep)[first[sweep] : last[sweep]].sum()) for sweep in own)
    current = cells.sweep_current[own[0]]
    assert means[cells.current_ptr[current]] == pytest.approx(spikes / (last - first)[own].sum() / 20)
    sweep = cells.sweeps_of(1, "Noise 2")
    bins = slice(*cells.current_ptr[cells.sweep_current[sweep[0]] + np.arange(2)])
    expected = np.mean([cells.counts_of(int(one)) for one in sweep], axis=0) / 20
    assert models["psth"].rates(cells)[bins] == pytest.approx(expected)
    assert models["psth"].sees_counts
    assert all(not np.any(row["beta"]) for row in models["linear"].rows())
