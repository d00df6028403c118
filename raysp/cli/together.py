"""Options that do nothing without another one, or beside it: one table, looked at before a verb begins."""

from __future__ import annotations

import click

from raysp.errors import BadInput

POPULATION = (
    "members", "generation_epochs", "generations", "gain_within", "lanes", "all_members", "ramp_epochs",
)  # fmt: skip
"""Options of a sweep that only a population has."""
WITHOUT_PBT = ("samples", "sampler", "in_flight", "grace", "reduction", "finalists", "final_seeds")
"""And those that mean nothing for one."""

NEEDS = {
    "run": {"candidate": "settings"},
    "sweep": {"reduction": "grace", "final_seeds": "finalists", **dict.fromkeys(POPULATION, "pbt")},
}
"""Verb -> parameter -> the one that it goes with."""
NOT_BESIDE = {
    "run": {"accept_code": "force"},
    "best": {"accept_code": "force"},
    "sweep": {"accept_code": "force", **dict.fromkeys(WITHOUT_PBT, "pbt")},
    "collect": dict.fromkeys(("model", "seed"), "no_submission"),
    "fetch": {"everything": "cells", "names": "everything"},
}
"""Verb -> parameter -> the one that leaves it nothing to do."""


def refuse_idle(context: click.Context) -> None:
    """Raise BadInput for what was given and would be passed over in silence."""
    verb = context.command.name or ""
    words = {one.name: _word(one, context) for one in context.command.params if _is_given(one, context)}
    known = {one.name: _word(one, context) for one in context.command.params}
    for name, other in NOT_BESIDE.get(verb, {}).items():
        if name in words and other in words:
            raise BadInput(
                f"{words[name]} goes without {words[other]}, and would change nothing; leave one of them out"
            )
    for name, other in NEEDS.get(verb, {}).items():
        if name in words and other not in words:
            raise BadInput(
                f"{words[name]} goes with {known[other]}, and changes nothing alone; add that, or leave it out"
            )


def _is_given(one: click.Parameter, context: click.Context) -> bool:
    default = context.get_parameter_source(one.name or "") is click.core.ParameterSource.DEFAULT
    return not default and bool(context.params.get(one.name or "", True) or not isinstance(one, click.Argument))


def _word(one: click.Parameter, context: click.Context) -> str:
    return one.opts[-1] if isinstance(one, click.Option) else one.make_metavar(context).strip("[].")
