"""LFADS in torch's own operations, one by one, from its equations: what the fast form is held to, and compared with.

Values are (bins, lanes, trials, channels) in the loops, as in raysp/models/lfads; nothing is fused or hoisted.
"""

from __future__ import annotations

import torch


def plain_gru(heard, start, gates, candidate, limit=5.0):
    """States of all bins of units that reset before the product."""
    state, found, hidden = start, [], start.shape[-1]
    for now in heard:
        state = plain_step(now, None, state, gates, candidate, limit, hidden)
        found.append(state)
    return torch.stack(found)


def plain_step(now, drive, state, gates, candidate, limit, hidden):
    def beside(value):
        return value if drive is None else torch.cat([drive, value], dim=-1)

    opened = torch.sigmoid(now[..., : 2 * hidden] + beside(state) @ gates)
    reset, keep = opened[..., :hidden], opened[..., hidden:]
    proposed = torch.tanh(now[..., 2 * hidden :] + beside(reset * state) @ candidate)
    return (keep * state + (1 - keep) * proposed).clamp(-limit, limit)


def plain_loop(heard, bias, starts, controller, generator, to_inputs, to_factors, drawn, limit):
    """As raysp.models.lfads.loop.run."""
    control, state = starts
    inputs = drawn.noise.shape[-1]
    driven = controller[0].shape[-2] > control.shape[-1]

    def factors_of(state, t):
        return (state if drawn.states is None else state * drawn.states[t]) @ to_factors

    factors, found = factors_of(state, 0), []
    for t, now in enumerate(heard):
        fed = None
        if driven:
            fed = factors if drawn.factors is None else factors * drawn.factors[t]
        control = plain_step(now, fed, control, *controller, limit, control.shape[-1])
        given = control @ to_inputs[0] + to_inputs[1][:, None]
        drive = given[..., :inputs] + torch.exp(given[..., inputs:] / 2) * drawn.noise[t]
        state = plain_step(bias[:, None], drive, state, *generator, limit, state.shape[-1])
        factors = factors_of(state, t + 1)
        found.append((factors, given, drive))
    return tuple(torch.stack(one) for one in zip(*found, strict=True))
