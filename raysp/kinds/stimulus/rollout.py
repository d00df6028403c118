"""Predicting spikes step by step: what was predicted becomes the history that the next step sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch

from raysp.data.splits.windows import Tape
from raysp.errors import BadInput
from raysp.models.windowed import WindowModel
from raysp.training.randomness import looking

History = Literal["zeros", "true"]


@dataclass(frozen=True)
class Boost:
    """One of a model's decodings, made readier to give spikes.

    Attributes:
        decoding: which.
        by: (units,) natural logs.
    """

    decoding: str
    by: torch.Tensor


@dataclass(frozen=True)
class Rollout:
    """Predicted spike trains of one stretch of a recording.

    Attributes:
        first: bin of the recording at which the prediction begins.
        spikes: decoding -> (units, bins) uint8 counts.
        output: decoding -> (units, windows, ...) float32, the network's output.
        step: bins from one window to the next.
    """

    first: int
    spikes: dict[str, np.ndarray]
    output: dict[str, np.ndarray]
    step: int

    @property
    def bins(self) -> int:
        """How many bins were predicted."""
        return next(iter(self.spikes.values())).shape[1]


def roll_out(
    model: WindowModel,
    tape: Tape,
    stretch: tuple[int, int],
    *,
    seed: int = 0,
    history: History = "zeros",
    whole_windows: bool = False,
    forced: bool = False,
    keep_output: bool = True,
    boosts: Mapping[str, Boost] | None = None,
    keep_going: Callable[[], None] = lambda: None,
) -> Rollout:
    """Predict a stretch of a recording, all units and decodings in lock-step.

    Of the units' spikes the model sees what it predicted itself, and before that zeros, or the true spikes of the
    stretch's first bins: never a true spike from t = 0 on.

    Args:
        model: fitted, on the tape's device.
        tape: the recording.
        stretch: first bin, and bin after the last; the first `reach.before` of them are seen, not predicted.
        seed: of decodings that draw; what a unit draws follows from it and the unit's number.
        history: what stands before the first predicted bin: "zeros", as Doran et al. do, or the "true" spikes.
        whole_windows: predict only while a window with all its targets fits in, as Doran et al. do; else to the end.
        forced: let every window see the true spikes before it (teacher forcing); all windows at once.
        keep_output: keep the network's output.
        boosts: decodings beside the model's own, by their names, see `calibration`.
        keep_going: called between windows; whatever it raises ends the rollout.

    Raises:
        BadInput: the stretch is shorter than a window, there is no such history, or the model cannot be boosted.
    """
    if history not in get_args(History):
        raise BadInput(f"a rollout expected history {' or '.join(get_args(History))}, got {history!r}")
    starts, last = _starts(model, stretch, whole_windows=whole_windows)
    decoder = _Decoder(model, boosts or {})
    with looking(model, tape.device, seed):
        found = _forced(decoder, tape, starts, seed, keep_output, keep_going) if forced else None
        if found is None:
            found = _stepped(decoder, tape, starts, seed, history, stretch, keep_output, keep_going)
    spikes, output = found
    trains = {name: train[:, : last - starts[0]].numpy() for name, train in spikes.items()}
    return Rollout(int(starts[0]), trains, output, model.step)


class _Decoder:
    """A model's own decodings, and those that are boosted."""

    def __init__(self, model: WindowModel, boosts: Mapping[str, Boost]) -> None:
        if boosts and not model.calibrates:
            raise BadInput(f"boosts expected a model that can be calibrated, got {type(model).__module__}")
        if taken := set(boosts) & set(model.decodings):
            raise BadInput(f"boosts expected names that are not the model's decodings, got {', '.join(sorted(taken))}")
        self.model, self.boosts, self.names = model, boosts, (*model.decodings, *boosts)

    def put(
        self, name: str, output: torch.Tensor, history: torch.Tensor, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return the spikes of one decoding, (units, windows, step)."""
        if name not in self.boosts:
            return self.model.spikes(output, history, name, generators)
        boost = self.boosts[name]
        boosted = self.model.boosted(output, boost.by.to(output.device))
        return self.model.spikes(boosted, history, boost.decoding, generators)


def _starts(model: WindowModel, stretch: tuple[int, int], *, whole_windows: bool) -> tuple[list[int], int]:
    """Return t = 0 of each window, and the bin at which the prediction ends."""
    first, end = stretch[0] + model.reach.before, stretch[1]
    if stretch[1] - stretch[0] < model.reach.bins:
        raise BadInput(
            f"a rollout needs a stretch of {model.reach.bins} bins at least, got bins {stretch[0]} to {stretch[1]}"
        )
    if not whole_windows:
        return list(range(first, end, model.step)), end
    count = (end - first - model.reach.after) // model.step + 1
    return [first + model.step * index for index in range(count)], min(first + model.step * count, end)


def _stepped(
    decoder: _Decoder, tape: Tape, starts: list[int], seed: int, history: History, stretch: tuple[int, int],
    keep_output: bool, keep_going: Callable[[], None],
) -> tuple[dict[str, torch.Tensor], dict[str, np.ndarray]]:  # fmt: skip
    model, names = decoder.model, decoder.names
    before = model.reach.before
    units, bins = len(tape.spikes), before + model.step * len(starts)
    # One row for each unit and decoding: what each decoding put down is what it sees again.
    trains = torch.zeros(units, len(names), bins, device=tape.device)
    if history == "true":
        trains[:, :, :before] = tape.spikes[:, None, stretch[0] : stretch[0] + before]
    generators = [_generators(tape, seed) for _ in names]
    kept = []
    for index, start in enumerate(starts):
        keep_going()
        now = index * model.step
        windows = tape.windows(torch.full((1,), start, device=tape.device), before)
        stimulus = windows.stimulus.expand(len(names), -1, -1)
        seen = trains[:, :, now : now + before]
        output = model.output(replace(windows, stimulus=stimulus, history=seen)).float()
        for row, name in enumerate(names):
            put = decoder.put(name, output[:, row : row + 1], seen[:, row : row + 1], generators[row])
            trains[:, row, now + before : now + before + model.step] = put[:, 0].to(tape.device)
        if keep_output:
            kept.append(output.cpu())
    whole = torch.stack(kept, dim=2).numpy() if kept else None
    counts = trains[:, :, before:].to(torch.uint8).cpu()
    spikes = {name: counts[:, row] for row, name in enumerate(names)}
    return spikes, {} if whole is None else {name: whole[:, row] for row, name in enumerate(names)}


def _forced(
    decoder: _Decoder, tape: Tape, starts: list[int], seed: int, keep_output: bool, keep_going: Callable[[], None],
    batch: int = 64,
) -> tuple[dict[str, torch.Tensor], dict[str, np.ndarray]]:  # fmt: skip
    model = decoder.model
    spikes: dict[str, list[torch.Tensor]] = {name: [] for name in decoder.names}
    generators = {name: _generators(tape, seed) for name in decoder.names}
    kept = []
    for piece in range(math.ceil(len(starts) / batch)):
        keep_going()
        chosen = torch.as_tensor(starts[piece * batch : (piece + 1) * batch], device=tape.device)
        windows = tape.windows(chosen, model.reach.before)
        output = model.output(windows).float()
        if keep_output:
            kept.append(output.cpu())
        for name in decoder.names:
            put = decoder.put(name, output, windows.history, generators[name])
            spikes[name].append(put.flatten(1).cpu())
    trains = {name: torch.cat(parts, dim=1) for name, parts in spikes.items()}
    return trains, dict.fromkeys(decoder.names, torch.cat(kept, dim=1).numpy()) if kept else {}


def _generators(tape: Tape, seed: int) -> list[torch.Generator]:
    """Return one generator for each unit, which does not know which other units there are."""
    seeds = [np.random.SeedSequence([seed % 2**32, unit]).generate_state(1)[0] for unit in tape.units]
    return [torch.Generator().manual_seed(int(each)) for each in seeds]
