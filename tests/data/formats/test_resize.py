"""Pictures of another size, beside what scikit-image 0.26 makes of them."""

import numpy as np
import pytest

from raysp.data.formats.resize import resized

SHADES = (np.arange(88) * 37 % 256).astype(np.uint8).reshape(1, 8, 11)
SMALLER = [
    [0.476221451, 0.409665406, 0.461143288, 0.500382832],
    [0.528656276, 0.521393468, 0.498517322, 0.467226839],
    [0.504463072, 0.545817214, 0.558191932, 0.609669928],
]
LARGER = [
    [0.154705882, 0.154705882, 0.227254902, 0.227254902],
    [0.273137255, 0.273137255, 0.345686275, 0.345686275],
    [0.628431373, 0.628431373, 0.700980392, 0.700980392],
    [0.381372549, 0.381372549, 0.453921569, 0.453921569],
    [0.299019608, 0.299019608, 0.371568627, 0.371568627],
]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (SHADES, SMALLER),
        (SHADES[:, :3, :2], LARGER),
        (SHADES / 255, SMALLER),
        (SHADES.astype(np.uint16) * 257, SMALLER),
    ],
    ids=["smaller", "larger", "between 0 and 1", "16 bits"],
)
def test_pictures_become_what_scikit_image_makes_of_them(frames, expected):
    found = resized(frames, len(expected), 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-7)


def test_the_same_size_changes_nothing():
    np.testing.assert_allclose(resized(SHADES, 8, 11), SHADES / 255, atol=1e-7)
