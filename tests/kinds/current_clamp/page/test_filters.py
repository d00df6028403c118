"""Gains and kernels of a cell's filters, bent ones beside the plain."""

import numpy as np
import pytest

from raysp.kinds.current_clamp.page.filters import bent_gains, bent_kernels_of, gains, kernels_of
from raysp.report.style import canvas
from tests.models.gfr.golden import bent_cell, cell_p


@pytest.fixture
def axes():
    with canvas(4, 3) as figure:
        yield figure.subplots()


def test_bars_are_the_gains_by_time_constant(axes):
    cell = cell_p()
    gains(axes, cell, 20)
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, [*cell.alpha[0, 1:], *cell.beta[0, 1:]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["20", "50", "100", "200", "500", "1000", "2000"]


def test_each_bend_has_bars_and_a_kernel_and_the_currents_own_is_beside_them(axes):
    cell = bent_cell()
    bent_gains(axes, cell, 20)
    bends = sorted(set(cell.bend[0]))
    assert [bar.get_label() for bar in axes.containers] == [f"above {bend:.0f} pA" for bend in bends]
    drawn = np.array([[bar.get_height() for bar in own] for own in axes.containers])
    assert drawn.sum() == pytest.approx(cell.bent.sum())
    axes.clear()
    bent_kernels_of(axes, cell, 20)
    plain, *added = (line.get_ydata() for line in axes.lines[:-1])
    axes.clear()
    kernels_of(axes, cell, 20)
    np.testing.assert_array_equal(plain, axes.lines[0].get_ydata())
    assert len(added) == len(bends)
    for bend, own in zip(bends, added, strict=True):
        mine = cell.bend[0] == bend
        # One bin later.
        assert own[0] == pytest.approx((cell.bent[0, mine] * cell.bent_decay[mine]).sum())
