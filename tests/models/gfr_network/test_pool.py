"""Neurons drawn for a network from those that were fitted elsewhere."""

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.models.gfr.parameters import run
from raysp.models.gfr_network.pool import Pool

CELLS = 6


def columns(**changes):
    rng = np.random.default_rng(0)
    found = {
        "unit": list(range(10, 10 + CELLS)),
        "validation_evr": [0.9, 0.2, 0.6, None, 0.5, 0.7],
        "test_evr": [0.1, 0.8, None, 0.9, 0.2, 0.3],
        **{name: rng.uniform(0.5, 2, CELLS).tolist() for name in ("sigma", "gamma", "threshold")},
        "poly_coeff": [[0.1, 1.0], [0.2, 1.1, 0.3], *[[0.0, 1.0]] * (CELLS - 2)],
        **{name: rng.normal(0, 0.2, (CELLS, 3)).tolist() for name in ("alpha", "beta")},
        "lambda": [[1.0, 0.5, 0.1]] * CELLS,
        "feedback": [1000.0] * CELLS,
    }
    return found | changes


def test_neurons_of_a_table_run_as_each_alone_whatever_their_degree():
    pool, current = Pool.of(columns()), np.linspace(-1, 3, 20)
    together = run(pool.parameters, current)
    one = {name: values[1:2] for name, values in columns().items()}
    np.testing.assert_allclose(run(Pool.of(one).parameters, current)[0], together[1], rtol=1e-12)


@pytest.mark.parametrize(("part", "above"), [("validation", [10, 12, 15]), ("test", [11, 13])])
def test_only_cells_above_the_threshold_are_drawn_and_unknown_ones_never(part, above):
    assert Pool.of(columns(), part).above(0.5).units.tolist() == above


def test_a_draw_follows_from_its_seed_and_takes_no_cell_twice_unless_it_may():
    pool = Pool.of(columns())
    draws = [pool.rows(6, seed).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert sorted(draws[0]) == list(range(6))
    assert len(pool.rows(50, 0, replacement=True)) == 50
    assert pool.rows(4, 0, in_order=True).tolist() == [0, 1, 2, 3]
    with pytest.raises(BadInput, match="expected 7 neurons or more to draw 7 without replacement, got 6 above"):
        pool.rows(7, 0)
    with pytest.raises(BadInput, match="expected 1 neurons or more to draw 2 with replacement, got 0"):
        pool.above(0.95).rows(2, 0, replacement=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lambda": [[1.0, 0.5, 0.1]] * 5 + [[1.0, 0.4, 0.1]]}, "expected neurons of equal filters, got lambda"),
        ({"feedback": [1000.0] * 5 + [1.0]}, "of equal factors of their own rate, got feedback 1000.0 of unit 10"),
        ({name: [] for name in columns()}, "expected at least one neuron"),
        (
            {"alpha": [[0.1, 0.2, 0.3]] * 5 + [[0.1, 0.2]]},
            "as many alpha and beta as lambda, got another alpha of unit 15",
        ),
        ({"beta": [[0.1, np.nan, 0.3]] * 6}, "expected finite parameters, .* got another beta of unit 10"),
        ({"sigma": [1.0] * 5 + [0.0]}, "sigma, gamma and lambda above 0, .* got another sigma of unit 15"),
        ({"gamma": [1.0, None, 1.0, 1.0, 1.0, 1.0]}, "got another gamma of unit 11"),
    ],
)
def test_a_mixture_is_refused(change, says):
    with pytest.raises(BadInput, match=says):
        Pool.of(columns(**change))
    with pytest.raises(BadInput, match=r"expected neurons with columns unit, .* got none called sigma"):
        Pool.of({name: values for name, values in columns().items() if name != "sigma"})
