"""What every model must keep, whatever it is inside; a new file is tested here without a change."""

from __future__ import annotations

import pytest

from raysp.errors import BadInput
from raysp.kinds import catalog as kinds
from raysp.kinds import contract
from raysp.models import catalog

CASES = [(name, check) for name in catalog.names() for check in contract.of_model(name)]


@pytest.mark.parametrize(("name", "check"), CASES, ids=[f"{name}: {check.what}" for name, check in CASES])
def test_it_keeps_the_contract(name, check):
    check.run(name)


@pytest.mark.parametrize("name", catalog.names())
def test_every_model_reads_a_kind_that_has_a_contract(name):
    assert kinds.of(catalog.kind(name)).contract()


@pytest.mark.parametrize(
    ("name", "earlier", "now"),
    [("unet", "lost_neurons", "lost_units"), ("distance_shared", "cells_at_once", "units_at_once")],
)
def test_an_earlier_word_for_a_setting_is_told_todays(name, earlier, now):
    with pytest.raises(BadInput, match=f"unknown setting of model {name} '{earlier}': it is called '{now}' now"):
        catalog.config(name, {earlier: 1})
