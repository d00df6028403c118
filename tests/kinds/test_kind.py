"""What generic code asks of every kind of data."""

from __future__ import annotations

import inspect

import pytest

from raysp.kinds import catalog
from raysp.kinds.kind import Kind

ASKED = {name: one for name, one in inspect.getmembers(Kind, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("name", ASKED)
def test_every_kind_takes_what_generic_code_gives(name):
    given = [
        one
        for one in list(inspect.signature(ASKED[name]).parameters.values())[1:]
        if one.kind is one.POSITIONAL_OR_KEYWORD
    ]
    for kind in catalog.known():
        inspect.signature(getattr(kind, name)).bind(*given)
