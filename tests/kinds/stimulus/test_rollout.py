"""Spikes predicted step by step: from what was predicted before, never from what will be recorded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from raysp.data.sources.retina import Config, build
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Reach, Tape
from raysp.errors import BadInput, Interrupted
from raysp.evaluation.schreiber import schreiber
from raysp.kinds.stimulus.rollout import Rollout, roll_out
from raysp.models import catalog
from raysp.models.windowed import WindowModel
from raysp.objectives.poisson_counts import place_evenly
from tests.models.made_up_stimulus import made_up_recording, model_for, small

ARCHIVE = Path(__file__).parents[3].parent / "shared" / "data" / "chicken_2021_08_17.tar.gz"
NAMES = [name for name in catalog.names() if catalog.module(name).Model.reads is StimulusSplit]
BLIND = [name for name in NAMES if not catalog.module(name).Model.sees_truth]
STRETCH = (500, 800)


def rolled(model, split, stretch=STRETCH, **options) -> Rollout:
    return roll_out(model, Tape.of(split, "cpu"), stretch, **options)


def same(one: Rollout, other: Rollout) -> bool:
    pairs = [(one.spikes, other.spikes), (one.output, other.output)]
    return all(np.array_equal(ours[name], theirs[name]) for ours, theirs in pairs for name in ours)


def with_other_spikes(split, first, last=None) -> StimulusSplit:
    spikes = split.spikes.copy()
    spikes[first:last] = 1 - spikes[first:last]
    return dataclasses.replace(split, spikes=spikes)


class Counting(WindowModel):
    """Says how many spikes it sees, and puts one in the first bin when that is even."""

    decodings = ("even", "never")

    def __init__(self, before: int, step: int) -> None:
        super().__init__()
        self.reach, self.step, self.seen = Reach(before, step), step, []

    def output(self, windows):
        self.seen.append((windows.stimulus.clone(), windows.history.clone()))
        return windows.history.sum(dim=2)

    def spikes(self, output, history, decoding, generators):
        found = torch.zeros(*history.shape[:2], self.step, dtype=torch.uint8)
        if decoding == "even":
            found[..., 0] = (output % 2 == 0).to(torch.uint8)
        return found


def test_each_step_sees_the_stimulus_before_it_and_what_its_own_decoding_predicted():
    split, model = made_up_recording(units=2), Counting(before=20, step=7)
    found = rolled(model, split, (100, 150))
    assert (found.first, found.bins, found.step) == (120, 30, 7)
    assert len(model.seen) == 5
    put = {"even": np.zeros((2, 20 + 35)), "never": np.zeros((2, 20 + 35))}
    for index, (stimulus, history) in enumerate(model.seen):
        start = 120 + 7 * index
        for row, name in enumerate(("even", "never")):
            np.testing.assert_array_equal(stimulus[row].numpy(), split.stimulus[start - 20 : start])
            np.testing.assert_array_equal(history[:, row].numpy(), put[name][:, 7 * index : 7 * index + 20])
            np.testing.assert_array_equal(found.output[name][:, index], history[:, row].sum(dim=1).numpy())
        put["even"][:, 7 * index + 20] = history[:, 0].sum(dim=1) % 2 == 0
    for name, train in found.spikes.items():
        np.testing.assert_array_equal(train, put[name][:, 20:50])
    assert found.spikes["even"].any()


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("whole_windows", [False, True])
def test_with_a_history_of_zeros_no_recorded_spike_of_the_stretch_matters(name, whole_windows):
    split = made_up_recording()
    model = model_for(name, split)
    found = rolled(model, split, whole_windows=whole_windows)
    assert same(found, rolled(model, with_other_spikes(split, 0), whole_windows=whole_windows))


@pytest.mark.parametrize("name", BLIND)
def test_with_the_true_history_only_spikes_before_the_first_step_matter(name):
    split = made_up_recording()
    model = model_for(name, split)
    found = rolled(model, split, history="true")
    first = found.first
    assert same(found, rolled(model, with_other_spikes(split, first), history="true"))
    assert same(found, rolled(model, with_other_spikes(split, 0, STRETCH[0]), history="true"))
    if not catalog.fits_itself(name):
        assert not same(found, rolled(model, with_other_spikes(split, first - 9, first), history="true"))


@pytest.mark.parametrize("name", BLIND)
def test_forced_each_window_sees_the_true_spikes_before_it_and_none_after(name):
    split = made_up_recording()
    model = model_for(name, split)
    found = rolled(model, split, forced=True)
    middle = found.first + 5 * found.step
    other = rolled(model, with_other_spikes(split, middle), forced=True)
    for decoding, output in found.output.items():
        np.testing.assert_array_equal(output[:, :6], other.output[decoding][:, :6])
        bins = 6 * found.step
        np.testing.assert_array_equal(found.spikes[decoding][:, :bins], other.spikes[decoding][:, :bins])
        if not catalog.fits_itself(name):
            assert not np.array_equal(output[:, 6:], other.output[decoding][:, 6:])


@pytest.mark.parametrize("name", sorted(set(BLIND) - {name for name in NAMES if catalog.fits_itself(name)}))
def test_the_stimulus_that_is_still_to_come_changes_nothing(name):
    split = made_up_recording()
    model = model_for(name, split)
    found = rolled(model, split)
    stimulus = split.stimulus.copy()
    last = found.first + (next(iter(found.output.values())).shape[1] - 1) * found.step
    stimulus[last:] = 5.0
    assert same(found, rolled(model, dataclasses.replace(split, stimulus=stimulus)))
    stimulus[last - 1] = 5.0
    assert not same(found, rolled(model, dataclasses.replace(split, stimulus=stimulus)))


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_predicted_as_it_is_alone_by_every_decoding(name):
    split = made_up_recording(units=3)
    whole, part = model_for(name, split), split.select([13])
    single = model_for(name, part)
    wanted = single.state_dict()
    single.load_state_dict(
        {key: v if v.shape == wanted[key].shape else v[1:2] for key, v in whole.state_dict().items()}
    )
    for options in ({}, {"forced": True}, {"history": "true"}):
        together, alone = rolled(whole, split, seed=4, **options), rolled(single, part, seed=4, **options)
        for decoding in whole.decodings:
            np.testing.assert_array_equal(together.spikes[decoding][1], alone.spikes[decoding][0])
            difference = np.abs(together.output[decoding][1] - alone.output[decoding][0])
            assert difference.max() < 1e-3


def test_draws_follow_from_the_seed_and_the_units_number():
    split = made_up_recording(units=2)
    # Two units with the same weights and the same (empty) past: what differs is drawn.
    model = catalog.build("poisson_counts", small("poisson_counts"), split.sizes)
    one, again, other = (rolled(model, split, seed=seed).spikes["sample"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])


def test_decodings_draw_apart_so_that_what_is_drawn_changes_no_other():
    split = made_up_recording()
    model = model_for("poisson_counts", split)
    found, other = rolled(model, split, seed=1), rolled(model, split, seed=2)
    for decoding in ("round", "floor"):
        np.testing.assert_array_equal(found.spikes[decoding], other.spikes[decoding])
    assert not np.array_equal(found.spikes["sample"], other.spikes["sample"])


@pytest.mark.parametrize("name", NAMES)
def test_a_rollout_ends_where_the_stretch_ends_or_with_the_last_whole_window(name):
    split = made_up_recording()
    model = model_for(name, split)
    found = rolled(model, split)
    assert (found.first, found.first + found.bins) == (STRETCH[0] + model.reach.before, STRETCH[1])
    assert all(train.shape == (3, found.bins) and train.dtype == np.uint8 for train in found.spikes.values())
    whole = rolled(model, split, whole_windows=True)
    count = (STRETCH[1] - STRETCH[0] - model.reach.bins) // model.step + 1
    assert whole.bins == min(count * model.step, found.bins)
    for decoding, train in whole.spikes.items():
        np.testing.assert_array_equal(train, found.spikes[decoding][:, : whole.bins])


@pytest.mark.parametrize("name", NAMES)
def test_at_the_very_end_of_a_recording_prediction_goes_on_to_its_last_bin(name):
    split = made_up_recording()
    found = rolled(model_for(name, split), split, (900, 1200))
    assert found.first + found.bins == 1200


def test_outputs_are_kept_only_where_they_are_wanted():
    split = made_up_recording()
    model = model_for("distance_unet", split)
    kept = rolled(model, split)
    for options in ({}, {"forced": True}):
        bare = rolled(model, split, keep_output=False, **options)
        assert bare.output == {}
        assert bare.bins == kept.bins
    np.testing.assert_array_equal(rolled(model, split, keep_output=False).spikes["nearest"], kept.spikes["nearest"])


@pytest.mark.parametrize("forced", [False, True])
def test_what_is_asked_between_windows_may_end_the_rollout_and_leaves_the_model_as_it_was(forced):
    split = made_up_recording()
    model = model_for("poisson_counts", split).train()
    state = torch.get_rng_state()

    def stop():
        raise Interrupted("enough")

    with pytest.raises(Interrupted, match="enough"):
        rolled(model, split, keep_going=stop, forced=forced)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_stretch_shorter_than_a_window_and_an_unknown_history_are_refused():
    split = made_up_recording()
    model = model_for("distance_unet", split)
    with pytest.raises(BadInput, match="a rollout needs a stretch of 112 bins at least, got bins 500 to 611"):
        rolled(model, split, (500, 611))
    assert rolled(model, split, (500, 612), whole_windows=True).bins == 16
    with pytest.raises(BadInput, match="history zeros or true, got 'recorded'"):
        rolled(model, split, history="recorded")


def test_perfect_counts_give_the_count_of_every_interval_evenly_placed():
    split = made_up_recording()
    found = rolled(model_for("perfect_counts", split, interval=12), split, (500, 500 + 64 + 120))
    true = split.spikes[564:684].T.reshape(3, 10, 12).sum(axis=2)
    np.testing.assert_array_equal(found.output["true count"], true)
    np.testing.assert_array_equal(found.spikes["true count"], place_evenly(true, 12).reshape(3, 120))


def test_beyond_the_recordings_end_no_spike_is_counted():
    split = made_up_recording()
    split.spikes[-1] = 1
    found = rolled(model_for("perfect_counts", split, interval=12), split, (900, 1200))
    assert 1200 - found.first == 19 * 12 + 8
    np.testing.assert_array_equal(found.output["true count"][:, -1], split.spikes[-8:].sum(axis=0))


def test_no_spikes_predicts_none():
    found = rolled(model_for("no_spikes", made_up_recording()), made_up_recording())
    assert found.bins == 236
    assert not found.spikes["none"].any()


@pytest.fixture(scope="module")
def chicken() -> StimulusSplit:
    if not ARCHIVE.exists():
        pytest.skip(f"needs the recording of Doran et al., shared/data/{ARCHIVE.name}")
    return build(Config(str(ARCHIVE)), "chicken")[0]


def ceiling(name, chicken, **settings) -> tuple[Rollout, np.ndarray]:
    model = catalog.build(name, settings, chicken.sizes)
    (stretch,) = chicken.parts["test"]
    found = rolled(model, chicken, stretch, whole_windows=True, keep_output=False)
    return found, chicken.spikes[found.first : found.first + found.bins].T


@pytest.mark.real
def test_true_distances_give_back_every_spike_of_a_real_retina_and_a_few_more(chicken):
    found, recorded = ceiling("perfect_distance", chicken)
    predicted = found.spikes["nearest"]
    assert found.bins == 1101 * 80
    assert recorded.sum(axis=1).mean() == pytest.approx(231.83, abs=0.005)
    assert predicted.sum(axis=1).mean() == pytest.approx(242.12, abs=0.005)
    assert not ((predicted == 0) & (recorded == 1)).any()
    bin_ms = chicken.sizes.bin_ms
    values = [schreiber(r, p, bin_ms, np.array([1.0, 10.0])) for r, p in zip(recorded, predicted, strict=True)]
    assert np.mean(values, axis=0) == pytest.approx([0.98362, 0.98895], abs=2e-5)


@pytest.mark.real
@pytest.mark.parametrize(("interval", "at_10", "at_20"), [(40, 0.7834, 0.9377), (80, 0.5450, 0.7990)])
def test_true_counts_of_a_real_retina_are_worth_what_their_intervals_allow(chicken, interval, at_10, at_20):
    found, recorded = ceiling("perfect_counts", chicken, interval=interval)
    trains = zip(recorded, found.spikes["true count"], strict=True)
    values = [schreiber(r, p, chicken.sizes.bin_ms, np.array([10.0, 20.0])) for r, p in trains]
    assert np.mean(values, axis=0) == pytest.approx([at_10, at_20], abs=1e-4)
