"""Decodings that are adapted to each unit on the validation part."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysp.config.experiment import Trial
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import BadInput, Interrupted
from raysp.evaluation.van_rossum import van_rossum
from raysp.kinds.stimulus.calibration import BOOSTS, SILENT, Tried, calibrated
from raysp.kinds.stimulus.rollout import Boost, roll_out
from raysp.models import catalog
from raysp.models.windowed import CALIBRATED, CAREFUL, MATCHED
from raysp.training.stages import Stages
from tests.models.made_up_stimulus import made_up_recording, model_for
from tests.training.made_up import made_up_job

NAMES = [name for name in catalog.names() if catalog.module(name).Model.reads is StimulusSplit]
ABLE = [name for name in NAMES if catalog.module(name).Model.calibrates]


def squared(recorded, predicted):
    return van_rossum(recorded, predicted, 1.0, np.array([4.0]))[0] ** 2


def chosen(model, split, **options):
    return calibrated(model, Tape.of(split, "cpu"), split.parts["validation"], squared, **options)


def in_validation(model, split, boosts):
    """Return what boosts give in the validation part, and what was recorded, stretch by stretch."""
    tape = Tape.of(split, "cpu")
    for stretch in split.parts["validation"]:
        found = roll_out(model, tape, stretch, forced=True, boosts=boosts)
        yield found.spikes, split.spikes[found.first : found.first + found.bins].T


def test_the_networks_can_be_calibrated_and_what_fits_itself_cannot():
    assert sorted(ABLE) == ["distance_shared", "distance_unet", "poisson_counts", "poisson_shared"]
    split = made_up_recording()
    for name in ABLE:
        assert set(catalog.module(name).Model.calibrates) == set(CALIBRATED)
    for name in set(NAMES) - set(ABLE):
        assert chosen(model_for(name, split), split) == {}


@pytest.mark.parametrize("name", ABLE)
def test_no_other_boost_comes_nearer_to_the_recorded_number_of_spikes(name):
    split = made_up_recording()
    model = model_for(name, split)
    best = chosen(model, split)[MATCHED]
    assert best.by.shape == (3,)
    tried = {str(boost): Boost(best.decoding, torch.full((3,), boost)) for boost in BOOSTS}
    missing = dict.fromkeys([MATCHED, *tried], 0)
    for spikes, recorded in in_validation(model, split, {MATCHED: best, **tried}):
        for way in missing:
            missing[way] = missing[way] + spikes[way].sum(axis=1, dtype=int) - recorded.sum(axis=1, dtype=int)
    for way in tried:
        assert (np.abs(missing[MATCHED]) <= np.abs(missing[way])).all()


@pytest.mark.parametrize("name", ABLE)
def test_a_careful_decoding_is_never_farther_than_silence_where_it_was_chosen(name):
    split = made_up_recording()
    model = model_for(name, split)
    far = np.zeros((2, 3))
    for spikes, recorded in in_validation(model, split, chosen(model, split)):
        for row, predicted in enumerate((spikes[CAREFUL], np.zeros_like(recorded))):
            for unit in range(3):
                far[row, unit] += squared(recorded[unit], predicted[unit])
    assert (far[0] <= far[1]).all()


@pytest.mark.parametrize("name", ABLE)
def test_the_least_boost_leaves_no_spike(name):
    split = made_up_recording()
    model = model_for(name, split)
    boosts = {f"silent {goal}": Boost(way, torch.full((3,), SILENT)) for goal, way in model.calibrates.items()}
    for spikes, _ in in_validation(model, split, boosts):
        assert all(spikes[way].sum() == 0 for way in boosts)


@pytest.mark.parametrize("name", ["distance_unet", "poisson_counts"])
def test_a_units_boosts_do_not_depend_on_the_others(name):
    split = made_up_recording()
    whole, one = model_for(name, split), split.select([13])
    single = model_for(name, one)
    single.load_state_dict({key: value[1:2] for key, value in whole.state_dict().items()})
    together, alone = chosen(whole, split), chosen(single, one)
    for way in (MATCHED, CAREFUL):
        assert torch.equal(together[way].by[1:2], alone[way].by)


def test_the_test_part_has_no_say():
    split = made_up_recording()
    ((first, last),) = split.parts["test"]
    other = dataclasses.replace(split, spikes=split.spikes.copy())
    other.spikes[first:last] = 1 - other.spikes[first:last]
    one, two = (chosen(model_for("distance_unet", each), each) for each in (split, other))
    assert all(torch.equal(one[way].by, two[way].by) for way in one)


def test_it_can_be_stopped():
    def stop():
        raise Interrupted("enough")

    split = made_up_recording()
    with pytest.raises(Interrupted, match="enough"):
        chosen(model_for("poisson_counts", split), split, keep_going=stop)


@given(st.lists(st.integers(0, 50), min_size=len(BOOSTS), max_size=len(BOOSTS)), st.integers(0, 60))
def test_of_equally_good_boosts_the_smallest_is_taken(predicted, recorded):
    counts = np.array(predicted)[:, None]
    best = Tried(counts, np.array([recorded]), counts.astype(float)).best()
    missing = [abs(each - recorded) for each in predicted]
    assert best[MATCHED] == [BOOSTS[missing.index(min(missing))]]
    assert best[CAREFUL] == [BOOSTS[predicted.index(min(predicted))]]


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("name", ABLE)
def test_boosts_of_zero_change_nothing_and_each_unit_has_its_own(name, forced):
    split = made_up_recording()
    tape, stretch = Tape.of(split, "cpu"), split.parts["test"][0]
    model = model_for(name, split)
    for own in set(model.calibrates.values()):
        boosts = {"none": Boost(own, torch.zeros(3)), "middle": Boost(own, torch.tensor([0.0, SILENT, 0.0]))}
        spikes = roll_out(model, tape, stretch, boosts=boosts, forced=forced).spikes
        np.testing.assert_array_equal(spikes["none"], spikes[own])
        np.testing.assert_array_equal(spikes["middle"][[0, 2]], spikes[own][[0, 2]])
        assert spikes["middle"][1].sum() == 0


def test_more_boost_means_more_expected_spikes_and_shorter_distances():
    output, boost = torch.rand(3, 4, 5), torch.tensor([-1.0, 0.0, 2.0])
    split = made_up_recording()
    counts = model_for("poisson_counts", split).boosted(output[..., 0], boost)
    torch.testing.assert_close(counts, output[..., 0] * boost.exp()[:, None])
    told = model_for("distance_unet", split).boosted(output, boost)
    torch.testing.assert_close(told.exp(), output.exp() / boost.exp()[:, None, None])


def test_a_boost_that_cannot_be_is_refused():
    split = made_up_recording()
    tape, stretch = Tape.of(split, "cpu"), split.parts["test"][0]
    more = Boost("round", torch.ones(3))
    with pytest.raises(BadInput, match=r"can be calibrated.*no_spikes"):
        roll_out(model_for("no_spikes", split), tape, stretch, boosts={"more": more})
    with pytest.raises(BadInput, match="not the model's decodings, got round"):
        roll_out(model_for("poisson_counts", split), tape, stretch, boosts={"round": more})


def test_stopped_between_stretches_it_goes_on_with_those_that_are_left(tmp_path):
    split, path = made_up_recording(), str(tmp_path / "checkpoint.pt")
    model, trial = model_for("distance_unet", split), Trial("distance_unet", {}, None, "made_up", "0" * 64)
    unbroken = chosen(model, split)
    left = iter([True, True, False])
    with pytest.raises(Interrupted):
        chosen(model, split, once=Stages(made_up_job(trial, path, keep_going=lambda: next(left)), "fit").once)
    names, stages = [], Stages(made_up_job(trial, path), "fit")

    def once(name, make):
        return stages.once(name, lambda: names.append(name) or make())

    found = chosen(model, split, once=once)
    assert len(names) == 1, "of two decodings in two stretches"
    assert all(torch.equal(found[goal].by, boost.by) for goal, boost in unbroken.items())
