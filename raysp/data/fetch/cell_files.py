"""Files of cells that a person's table names: where each can be had, and what its bytes hash to.

The table is CSV or JSON, a row for each cell: its number (`cell_id`), `address` (several joined by spaces), `sha256`,
and maybe `size`, bytes; where that is missing, the server is asked. Files go to `<root>/<folder>/<number>.nwb`; an
address that ends otherwise keeps its ending, and a column `path` names the file below the folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from raysp.data.fetch.manifest import Asset
from raysp.data.formats import cell_table
from raysp.errors import BadInput

FOLDER = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
ENDINGS = (".nwb", ".npz", ".h5", ".hdf5", ".pickle")


def assets(path: str, folder: str) -> list[Asset]:
    """Return the files of a table of cells.

    Args:
        path: of the table.
        folder: below the data root, where they go.

    Raises:
        BadInput: the table cannot be read, or lacks an address or a hash; or no address gives a length that is missing.
        NotReady: a server that was asked for a length does not answer.
    """
    if not re.fullmatch(FOLDER, folder):
        raise BadInput(f"expected one name, of a folder below the data root, such as allen_cell_types, got {folder!r}")
    return [_asset(unit, row, folder, f"{path}, cell {unit}") for unit, row in cell_table.rows(path).items()]


def _asset(unit: int, row: Mapping[str, object], folder: str, where: str) -> Asset:
    addresses = tuple(str(row.get("address") or "").split())
    if not addresses or not all(re.match(r"https?://[^/]", one) for one in addresses):
        raise BadInput(f"{where} expected a column address, http:// or https://, got {row.get('address')!r}")
    sha256 = str(row.get("sha256") or "").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise BadInput(f"{where} expected a column sha256 of 64 hexadecimal digits, got {row.get('sha256')!r}")
    name = str(row.get("path") or "").strip() or f"{unit}{_ending(addresses[0])}"
    return Asset(folder, f"{folder}/{name}", _size(row, addresses, where), sha256, addresses)


def _ending(address: str) -> str:
    found = PurePosixPath(urlsplit(address).path).suffix.lower()
    return found if found in ENDINGS else ENDINGS[0]


def _size(row: Mapping[str, object], addresses: tuple[str, ...], where: str) -> int:
    said = str(row.get("size") or "").strip()
    if not said:
        from raysp.data.fetch import transfer

        return transfer.length_of(addresses)
    if not re.fullmatch(r"\d{1,15}", said) or int(said) < 1:
        raise BadInput(f"{where} expected a size in bytes of at least 1, got {said!r}")
    return int(said)
