"""Names with stars, and the numbers in them."""

import pytest

from raysp.data.formats import starred


@pytest.mark.parametrize(
    ("pattern", "names", "numbers"),
    [
        ("unit_*/t", ["unit_7/t", "unit_12/t"], [7, 12]),
        ("V1/unit_*/t", ["V1/unit_7/t", "V1/unit_12/t"], [7, 12]),
        ("sig*", ["sig001a", "sig001b"], []),
        ("area_*/t", ["area_MT/t", "area_4/t"], []),
        # The numbers of areas are apart, and are no unit's.
        ("V*/unit_*/t", ["V1/unit_3/t", "V4/unit_7/t"], []),
        ("*/unit_*/t", ["M1/unit_7/t", "PPC/unit_3/t"], []),
    ],
)
def test_names_are_numbered_by_the_one_number_that_differs(pattern, names, numbers):
    assert starred.numbered(pattern, names) == numbers
