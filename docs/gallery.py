"""Figures of the gallery, from reports that are there: `python docs/gallery.py RUN...`, after `make demo` say."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images"
MOST_BYTES = 60_000
WANTED = {
    "gallery-training": "*mc_maze_medium-05ms-val-curves.png",
    "gallery-counts": "*mc_maze_medium-05ms-val-raster.png",
    "gallery-psth": "*mc_maze_medium-05ms-val-psth.png",
    "gallery-latents": "*mc_maze_medium-05ms-val-latents.png",
    "gallery-velocity": "*mc_maze_medium-05ms-val-velocity.png",
    "gallery-calibration": "*mc_maze_medium-05ms-val-calibration.png",
}
"""Name of the image in the documentation, and which figure of a report it is."""


def main(runs: list[str]) -> None:
    """Copy the figures of some runs' reports, made small; what no report has stays as it is."""
    for name, pattern in WANTED.items():
        found = [path for run in runs for path in sorted(Path(run, "report").glob(pattern))]
        if found:
            (IMAGES / f"{name}.png").write_bytes(light(found[0]))
            print(f"{name}.png from {found[0]}")


def light(path: Path) -> bytes:
    """Return a PNG of at most `MOST_BYTES`: with fewer colours where it has more bytes."""
    image = Image.open(path).convert("RGB")
    for colours in (128, 64, 32, 16):
        small = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
        if small.tell() <= MOST_BYTES:
            break
    return small.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
