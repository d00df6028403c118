"""Sweeps are shared out to train, validate and test; what cannot be used is listed with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.data.formats.sweeps import Cell, Sweep
from raysp.data.sources.clamp_cut import Cut, assemble
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput

CUT = Cut()
FULL = ("Long Square", "Long Square", "Ramp", "Noise 1", "Noise 1", "Noise 1", "Noise 1", "Noise 2", "Noise 2")


def sweep(stimulus, values=(1.0, 2.0, 3.0, 4.0, 5.0), counts=(0, 1, 0, 2, 0), alike="", spikes_ms=None):
    bins = {20: (np.array(values, np.float32), np.array(counts, np.uint16))}
    return Sweep(stimulus, bins, np.array([25.0, 65.0, 75.0]) if spikes_ms is None else spikes_ms, alike)


def cell(unit, *stimuli, **options):
    return Cell(unit, tuple(sweep(one) for one in stimuli or FULL), 0.1, **options)


def made(*cells, cut=CUT, left_out=()):
    return assemble(cells, left_out, cut, "mine", Provenance(builder="test"))


def parts(split):
    return [(split.stimuli[kind], *ends.tolist()) for kind, ends in zip(split.sweep_stimulus, split.sweep_parts)]  # noqa: B905


def test_stimuli_have_their_roles_and_the_last_repeat_of_noise_validates():
    assert parts(made(cell(1))) == [
        ("Long Square", 5, 5),
        ("Long Square", 5, 5),
        ("Ramp", 5, 5),
        ("Noise 1", 5, 5),
        ("Noise 1", 5, 5),
        ("Noise 1", 5, 5),
        ("Noise 1", 0, 5),
        ("Noise 2", 0, 0),
        ("Noise 2", 0, 0),
    ]


def test_of_a_single_sweep_the_last_of_its_time_validates():
    assert parts(made(cell(1, "Noise 1", "Noise 2"))) == [("Noise 1", 4, 5), ("Noise 2", 0, 0)]
    assert parts(made(cell(1, "Noise 1", "Noise 2"), cut=Cut(share=0.5)))[0] == ("Noise 1", 3, 5)


def test_times_cut_every_sweep_of_the_validation_stimulus():
    cut = Cut(train=("Noise 1",), test=(), cut_s=(0.04, 0.08))
    assert parts(made(cell(1, "Noise 1", "Noise 1", "Noise 2"), cut=cut)) == [("Noise 1", 2, 4)] * 2


def test_other_stimuli_are_not_there():
    split = made(cell(1, "Test", *FULL, "Short Square"))
    assert split.stimuli == ("Long Square", "Ramp", "Noise 1", "Noise 2")
    assert len(split.sweep_unit) == len(FULL)


def test_repeats_of_one_current_share_it_within_a_stimulus_and_a_cell():
    split = made(cell(1), cell(2))
    assert split.sweep_current.tolist() == [0, 0, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6, 6, 6, 7, 7]
    other = Cell(1, (*cell(1).sweeps, sweep("Noise 2", (1, 2, 3, 4, 6)), sweep("Noise 2", (1, 2, 3, 4), (0,) * 4)), 0.1)
    assert made(other).sweep_current.tolist() == [0, 0, 1, 2, 2, 2, 2, 3, 3, 4, 5]


def test_recorded_repeats_of_one_protocol_have_the_mean_of_what_was_recorded():
    noisy = [sweep("Noise 2", np.array([1, 2, 3, 4, 5]) + shift, alike="test") for shift in (-0.5, 0.0, 0.5, 0.4)]
    longer = sweep("Noise 2", (1, 2, 3, 4, 5, 6), (0,) * 6, alike="test")
    split = made(Cell(1, (sweep("Noise 1"), *noisy, longer), 0.1))
    assert split.sweep_current.tolist() == [0, 1, 1, 1, 1, 2]
    np.testing.assert_allclose(split.current_of(1), np.array([1, 2, 3, 4, 5]) + 0.1, rtol=1e-6)


def test_the_robust_rate_is_of_the_training_part_alone():
    fast = np.array([90.0, 92.0, 94.0, 96.0])
    steady = [sweep("Noise 1", spikes_ms=np.array([0.0, 20.0, 40.0, 60.0])) for _ in range(3)]
    hidden = [sweep("Noise 1", spikes_ms=fast), sweep("Noise 2", spikes_ms=fast)]
    assert made(Cell(1, (*steady, *hidden), 0.5)).gamma_robust.tolist() == [1 / 20]
    # The validation part of a single sweep, too, is not looked at.
    one = sweep("Noise 1", spikes_ms=np.array([0.0, 20.0, 40.0, 60.0, 85.0, 86.5, 88.0, 89.5]))
    assert made(Cell(1, (one, sweep("Noise 2")), 0.5)).gamma_robust.tolist() == [1 / 20]


def test_where_intervals_are_unknown_counts_of_the_training_part_tell():
    bins = sweep("Noise 1").bins
    known = tuple(Sweep(name, bins, None) for name in ("Noise 1", "Noise 2"))
    assert made(Cell(1, known, 0.5)).gamma_robust.tolist() == [3 / 20]
    assert made(Cell(1, known, 0.12)).gamma_robust.tolist() == [0.12]


@pytest.mark.parametrize(
    ("stimuli", "reason"),
    [
        (("Long Square", "Ramp", "Noise 2"), "has no sweep of Noise 1"),
        (("Long Square", "Noise 1"), "has nothing to test on: no sweep of Noise 2"),
        (("Test",), "has no sweep of Noise 1"),
    ],
)
def test_a_cell_without_what_is_needed_is_left_out_with_the_reason(stimuli, reason):
    split = made(cell(1), cell(7, *stimuli))
    assert (split.unit_ids.tolist(), split.left_out) == ([1], ((7, reason),))
    assert split.provenance.notes == (f"1 of 2 cells were left out, since each {reason} (1)",)


def test_a_cell_whose_sweeps_cannot_be_used_says_what_they_had():
    steps = ("Long Square", "Noise 2")
    gone = ("Noise 1", "has a current that is not finite at 3 samples")
    short = Sweep("Noise 2", {10: (np.ones(1, np.float32), np.ones(1, np.uint16))}, np.array([]))
    silent = Cell(8, (sweep("Noise 1"), short), 0.1, dropped=(("Ramp", "is odd"),))
    split = made(cell(1), cell(7, *steps, dropped=(gone, ("Ramp", "is odd"), gone)), silent)
    assert split.left_out == (
        (7, f"has no sweep of Noise 1 that can be used (of 2 left out, the first {gone[1]})"),
        (8, "has nothing to test on: no sweep of Noise 2 that can be used (1 shorter than a bin)"),
    )


def test_a_cell_without_long_squares_or_ramps_is_kept():
    assert made(cell(1, "Noise 1", "Noise 2")).left_out == ()
    assert len(made(cell(1, "Noise 1", "Noise 2")).first_bins(20).unit) == 0


def test_a_cell_without_any_spike_is_left_out():
    silent = Cell(3, tuple(sweep(one, counts=(0,) * 5, spikes_ms=np.array([])) for one in FULL), np.nan)
    assert made(cell(1), silent).left_out == ((3, "has no spike"),)


def test_a_cell_whose_training_current_never_changes_is_left_out():
    still = Cell(3, tuple(sweep(one, (3.0,) * 5) for one in FULL), 0.1)
    reason = "has nothing to learn from: the current that it trains on never changes"
    assert made(cell(1), still).left_out == ((3, reason),)
    steps = (sweep("Long Square", (4.0,) * 5), *still.sweeps)
    assert made(Cell(3, steps, 0.1)).left_out == ()


def test_a_sweep_shorter_than_a_bin_is_passed_over():
    short = Sweep("Noise 1", {10: (np.ones(1, np.float32), np.ones(1, np.uint16))}, np.array([]))
    assert len(made(Cell(1, (*cell(1).sweeps, short), 0.1)).sweep_unit) == len(FULL)


def test_cells_stand_in_order_of_their_numbers_with_what_is_known_of_them():
    split = made(cell(9, metadata={"species": "human"}), cell(2, metadata={"line": "Pvalb"}), left_out=[(5, "is odd")])
    assert split.unit_ids.tolist() == [2, 9]
    assert split.metadata == {"species": ("", "human"), "line": ("Pvalb", ""), "dendrite": ("", ""), "layer": ("", "")}
    assert split.left_out == ((5, "is odd"),)


def test_notes_on_sweeps_are_few():
    split = made(*(cell(unit, notes=("sweep 1 is odd", "sweep 2 is odd")) for unit in range(10)))
    assert split.provenance.notes[:2] == ("cell 0, sweep 1 is odd", "cell 0, sweep 2 is odd")
    assert split.provenance.notes[12:] == ("8 more sweeps were left out, or are odd",)


def test_two_cells_of_one_number_and_no_cell_at_all_are_refused():
    with pytest.raises(BadInput, match="mine: expected each cell once, got cell 4 2 times"):
        made(cell(4), cell(4))
    with pytest.raises(BadInput, match="got cell 4 2 times"):
        made(cell(4), left_out=[(4, "is odd")])
    with pytest.raises(BadInput, match=r"each of 2 has no sweep of Noise 1 \(2\)"):
        made(cell(4, "Noise 2"), cell(5, "Noise 2"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"bin_ms": 30}, "bin_ms expected one of 10, 20, 50, 100, got 30"),
        ({"share": 0.0}, "share expected a number > 0"),
        ({"share": 1.0}, "share expected a number below 1"),
        ({"validation": "Noise 3"}, "a validation stimulus among those to train on"),
        ({"test": ("Noise 1",)}, "none of them to test on"),
        ({"cut_s": (1.0,)}, "cut_s expected two ascending times"),
        ({"cut_s": (2.0, 1.0)}, "cut_s expected two ascending times"),
    ],
)
def test_a_cut_that_means_nothing_is_refused(values, words):
    with pytest.raises(BadInput, match=f"clamp_cut, {words}|clamp_cut: .*{words}"):
        Cut(**values)
