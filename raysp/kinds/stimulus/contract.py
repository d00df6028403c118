"""What every model of a continuous recording must keep, on a made-up recording of one unit and of several."""

from __future__ import annotations

from functools import partial
from typing import cast, get_args

import numpy as np
import torch

from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import expect, present
from raysp.kinds.check import Check
from raysp.kinds.contract import descended, finite_gradients, learns, same
from raysp.kinds.stimulus.made_up import made_up_recording, model_for, small
from raysp.kinds.stimulus.rollout import roll_out
from raysp.models import catalog
from raysp.models.shared_windows import SharedModel
from raysp.models.windowed import Role, WindowModel
from raysp.objectives.loss import checked

STARTS = torch.arange(150, 1100, 37)


def contract() -> list[Check]:
    """Return what every model of a continuous recording must keep."""
    by_units = [
        Check(f"{words}, of {units} unit{'s' if units > 1 else ''}", partial(check, units=units), hint, concerns)
        for words, check, hint, concerns in (
            ("outputs are finite numbers of each unit and window", _outputs, "(units, windows, ...)", _all),
            (
                "each decoding gives counts of the bins that a step adds",
                _decodings,
                "uint8 (units, windows, step)",
                _all,
            ),
            ("the loss is finite and moves every weight", _gradients, "", learns),
        )
        for units in (1, 3)
    ]
    return [
        *by_units,
        Check("networks offer their first layer", _kernels, "kernels() -> (units or 1, kernels, inputs, taps)", learns),
        Check("it says which part it plays in a comparison", _role),
        Check("what can be calibrated says which decoding", _calibrated, "", lambda model: bool(model.calibrates)),
        Check("it predicts a stretch step by step, all decodings at once", _rolled_out),
        Check("outputs do not know what comes at or after the window's start", _blind, "", lambda m: not m.sees_truth),
        Check("a window's output does not depend on the others", _windows_apart),
        Check("a unit's output and spikes do not depend on the others", _units_apart),
        Check("the state dict carries all that was fitted", _carried, "register_buffer what is no weight"),
        Check("weights have the units in front, and start alike in all", _in_front, "", _not_shared),
        Check("what it is given stays as it was", _unchanged, "copy before you write into an array"),
        Check("the loss is the sum of the units', whose weights are apart", _lanes, "", _own_networks),
        Check("in evaluation, a unit's loss does not depend on the other windows", _loss_apart, "", learns),
        Check("the loss falls when it is trained", _falls, "", learns),
    ]


def _all(model: type) -> bool:
    return True


def _not_shared(model: type) -> bool:
    return not issubclass(model, SharedModel)


def _own_networks(model: type) -> bool:
    return learns(model) and _not_shared(model)


def _fitted(name: str, split: StimulusSplit) -> tuple[WindowModel, Tape]:
    """Return a model as training begins with it, but with weights that matter."""
    model = model_for(name, split)
    expect(isinstance(model, WindowModel), "Model expected to derive from raysp.models.windowed.WindowModel")
    return model.eval(), Tape.of(split, "cpu")


def _output(model: WindowModel, tape: Tape, starts: torch.Tensor = STARTS) -> torch.Tensor:
    with torch.no_grad():
        return model.output(tape.windows(starts, model.reach.before))


def _decoded(model: WindowModel, tape: Tape, decoding: str, seeds: range | tuple[int, ...]) -> torch.Tensor:
    windows = tape.windows(STARTS, model.reach.before)
    with torch.no_grad():
        output = model.output(windows)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return model.spikes(output, windows.history, decoding, generators)


def _outputs(name: str, units: int) -> None:
    found = _output(*_fitted(name, made_up_recording(units=units)))
    right = found.shape[:2] == (units, len(STARTS)) and found.ndim in (2, 3)
    expect(right, f"output expected ({units}, {len(STARTS)}, ...), got {tuple(found.shape)}")
    expect(torch.isfinite(found).all(), "the output is not finite")


def _kernels(name: str) -> None:
    model, split = _fitted(name, made_up_recording(units=3))[0], made_up_recording()
    found = present(model.kernels())
    right = found.shape[0] in (1, 3) and found.shape[2:] == (split.sizes.channels + 1, 15)
    expect(right, f"kernels expected (1 or 3, kernels, {split.sizes.channels + 1}, 15), got {tuple(found.shape)}")


def _role(name: str) -> None:
    model = catalog.module(name).Model
    expect(model.role in get_args(Role), f"role expected one of {get_args(Role)}, got {model.role!r}")
    expect((model.role == "ceiling") == model.sees_truth, "a ceiling, and no other, says sees_truth = True")


def _decodings(name: str, units: int) -> None:
    model, tape = _fitted(name, made_up_recording(units=units))
    names, published = model.decodings, model.published or ()
    expect(names and len(set(names)) == len(names), f"decodings expected several names, each once, got {names}")
    expect(set(published) <= set(names), f"published expected some of {names}, got {published}")
    # The network's output is kept with the first, which is what reports look at closely.
    expect(
        model.published is None or names[0] in published, f"the first decoding expected a published one: {published}"
    )
    for decoding in names:
        found, shape = _decoded(model, tape, decoding, range(units)), (units, len(STARTS), model.step)
        right = found.dtype == torch.uint8 and found.shape == shape
        expect(right, f"{decoding}: spikes expected {shape} of uint8, got {tuple(found.shape)} of {found.dtype}")
        same(found, _decoded(model, tape, decoding, range(units)), f"{decoding}: the same seed gives other spikes")


def _calibrated(name: str) -> None:
    model, tape = _fitted(name, made_up_recording(units=3))
    expect(set(model.calibrates.values()) <= set(model.decodings), "calibrates expected decodings of its own")
    expect(model.config.careful_ms > 0, "careful_ms expected more than 0")
    output = _output(model, tape)
    same(model.boosted(output, torch.zeros(3)), output, "a boost of 0 changes the output", close=True)
    expect(not torch.equal(model.boosted(output, torch.ones(3)), output), "a boost of 1 changes nothing")


def _rolled_out(name: str) -> None:
    split = made_up_recording(units=3)
    model, tape = _fitted(name, split)
    (stretch,) = split.parts["test"]
    found = roll_out(model, tape, stretch)
    expect(set(found.spikes) == set(found.output) == set(model.decodings), "it lacks a decoding")
    shape = (3, stretch[1] - stretch[0] - model.reach.before)
    for decoding in model.decodings:
        got = found.spikes[decoding].shape
        expect(got == shape, f"{decoding}: spikes of a stretch expected {shape}, got {got}")
        expect(np.isfinite(found.output[decoding]).all(), f"{decoding}: the output is not finite")


def _blind(name: str) -> None:
    split = made_up_recording()
    model, tape = _fitted(name, split)
    before, start = _output(model, tape, STARTS[:1]), int(STARTS[0])
    split.spikes[start:] = 1 - split.spikes[start:]
    split.stimulus[start:] = 7.0
    now = _output(model, Tape.of(split, "cpu"), STARTS[:1])
    same(now, before, "with another stimulus and other spikes from t = 0 on, the output is another one")


def _windows_apart(name: str) -> None:
    model, tape = _fitted(name, made_up_recording())
    order = torch.randperm(len(STARTS), generator=torch.Generator().manual_seed(1))
    whole = _output(model, tape)
    same(whole[:, order], _output(model, tape, STARTS[order]), "in another order, it is another one", close=True)
    same(whole[:, 3:4], _output(model, tape, STARTS[3:4]), "alone, it is another one", close=True)


def _units_apart(name: str) -> None:
    split = made_up_recording(units=3)
    whole, tape = _fitted(name, split)
    single, own = _fitted(name, split.select([13]))
    wanted = single.state_dict()
    taken = {k: v if v.shape == wanted[k].shape else v[1:2] for k, v in whole.state_dict().items()}
    single.load_state_dict(taken)
    same(_output(whole, tape)[1:2], _output(single, own), "alone, the output is another one", close=True)
    for decoding in whole.decodings:
        found = _decoded(whole, tape, decoding, (5, 6, 7))
        same(found[1:2], _decoded(single, own, decoding, (6,)), f"{decoding}: alone, it has other spikes")


def _carried(name: str) -> None:
    split = made_up_recording()
    model, tape = _fitted(name, split)
    torch.manual_seed(9)
    copy = catalog.build(name, small(name), split.sizes)
    copy.load_state_dict(model.state_dict())
    same(
        _output(model, tape),
        _output(cast(WindowModel, copy.eval()), tape),
        "a new model with the fitted one's says something else",
    )


def _in_front(name: str) -> None:
    split = made_up_recording(units=3)
    model = catalog.build(name, small(name), split.sizes)
    for label, value in model.state_dict().items():
        expect(value.ndim > 0 and value.shape[0] == 3, f"{label} expected (3, ...), got {tuple(value.shape)}")
        same(value, value[:1].expand_as(value), f"{label} starts otherwise in each unit")


def _unchanged(name: str) -> None:
    split = made_up_recording()
    before = split.stimulus.copy(), split.spikes.copy()
    model, tape = _fitted(name, split)
    _output(model, tape)
    for decoding in model.decodings:
        _decoded(model, tape, decoding, range(3))
    if learns(type(model)):
        model.train().loss(tape.windows(STARTS, model.reach.before))
    kept = np.array_equal(split.stimulus, before[0]) and np.array_equal(split.spikes, before[1])
    expect(kept and np.array_equal(tape.spikes.numpy(), split.spikes.T), "it wrote into the recording")


def _gradients(name: str, units: int) -> None:
    model, tape = _fitted(name, made_up_recording(units=units))
    found = checked(model.train().loss(tape.windows(STARTS, model.reach.before)))
    # A network of all units is one lane that serves them.
    shape = (units,) if model.lanes else (1, units)
    expect(found.each.shape == shape, f"the loss of each expected {shape}, got {tuple(found.each.shape)}")
    silent = finite_gradients(model, found.total)
    expect(not silent, f"no gradient moves {', '.join(silent)}")


def _lanes(name: str) -> None:
    model, tape = _fitted(name, made_up_recording(units=3))
    found = model.train().loss(tape.windows(STARTS, model.reach.before))
    same(found.total, found.each.sum(), "the total is not the sum", close=True)
    found.each[1].backward()
    for label, weights in model.named_parameters():
        moved = present(weights.grad)
        expect(moved[1].any(), f"a unit's loss does not move its own {label}")
        expect(not moved[[0, 2]].any(), f"a unit's loss moves another's {label}")


def _loss_apart(name: str) -> None:
    model, tape = _fitted(name, made_up_recording(units=3))
    with torch.no_grad():
        whole = model.loss(tape.windows(STARTS, model.reach.before)).each
        pieces = [model.loss(tape.windows(STARTS[k : k + 1], model.reach.before)).each for k in range(len(STARTS))]
    same(torch.stack(pieces).mean(dim=0), whole, "the mean of the windows' losses is another one", close=True)


def _falls(name: str) -> None:
    model, tape = _fitted(name, made_up_recording())
    windows = tape.windows(STARTS, model.reach.before)
    losses = descended(model.train(), lambda: model.loss(windows), rate=3e-3, steps=15)
    first, last = losses[:5].mean(dim=0), losses[-5:].mean(dim=0)
    expect((last < first).all(), f"in 15 steps of Adam the losses went from {first.tolist()} to {last.tolist()}")
