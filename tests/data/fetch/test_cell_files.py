"""Files of cells that a table names are fetched as other recordings are: whole, verified, going on where it stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from raysp.cli.root import main
from raysp.data.fetch import cell_files, transfer
from raysp.data.fetch.download import fetch_assets
from raysp.data.sources import allen_cell_types
from raysp.errors import BadInput, NotReady
from tests.data.clamp_files import allen_sweeps, write_allen


@pytest.fixture
def cells(tmp_path, web, monkeypatch):
    """Three cells' files on a server, and the rows of a table of them; retries do not pause."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transfer, "BACK_OFF_S", (0.0, 0.0, 0.0))
    rows = []
    for unit in (11, 4, 77):
        write_allen(tmp_path / f"{unit}.nwb", allen_sweeps(unit))
        body = (tmp_path / f"{unit}.nwb").read_bytes()
        web.bodies[f"well_known_file/{unit}"] = body
        rows.append(
            {
                "cell_id": str(unit),
                "address": f"{web.address}/well_known_file/{unit}",
                "sha256": hashlib.sha256(body).hexdigest(),
                "size": str(len(body)),
                "species": "Mus musculus",
            }
        )
    return rows


def table(tmp_path, rows):
    columns = list(rows[0])
    lines = [",".join(columns), *(",".join(row[name] for name in columns) for row in rows)]
    (tmp_path / "cells.csv").write_text("\n".join(lines))
    return str(tmp_path / "cells.csv")


def fetched(tmp_path, rows, **options):
    assets = cell_files.assets(table(tmp_path, rows), "allen_cell_types")
    return fetch_assets(assets, str(tmp_path / "data"), **options)


def test_files_come_under_their_cells_numbers_and_are_read(tmp_path, cells, web):
    paths = fetched(tmp_path, cells)
    assert [Path(path).relative_to(tmp_path).as_posix() for path in paths] == [
        "data/allen_cell_types/11.nwb", "data/allen_cell_types/4.nwb", "data/allen_cell_types/77.nwb",
    ]  # fmt: skip
    config = allen_cell_types.Config(
        path=str(tmp_path / "data" / "allen_cell_types"), cells=str(tmp_path / "cells.csv")
    )
    split = allen_cell_types.build(config, "mine")[0]
    assert split.unit_ids.tolist() == [4, 11, 77]
    assert split.metadata["species"] == ("mouse",) * 3
    asked = len(web.asked)
    fetched(tmp_path, cells)
    assert len(web.asked) == asked


def test_a_file_goes_on_where_it_stopped(tmp_path, cells, web):
    body = web.bodies["well_known_file/11"]
    folder = tmp_path / "data" / "allen_cell_types"
    folder.mkdir(parents=True)
    (folder / "11.nwb.part").write_bytes(body[:1000])
    fetched(tmp_path, cells)
    assert web.asked[0][1]["Range"] == "bytes=1000-"
    assert (folder / "11.nwb").read_bytes() == body


def test_a_connection_that_breaks_is_taken_up_again(tmp_path, cells, web):
    web.faults = ["cut", 503, "cut"]
    fetched(tmp_path, cells)
    assert (tmp_path / "data/allen_cell_types/11.nwb").read_bytes() == web.bodies["well_known_file/11"]


def test_a_file_that_is_refused_keeps_no_other_from_coming(tmp_path, cells, web):
    cells[0]["sha256"] = "0" * 64
    del web.bodies["well_known_file/4"]
    with pytest.raises(BadInput, match="2 were refused") as caught:
        fetched(tmp_path, cells)
    assert "allen_cell_types/11.nwb: " in str(caught.value)
    assert "expected sha256 0000" in str(caught.value)
    assert "404" in str(caught.value)
    assert sorted(path.name for path in (tmp_path / "data/allen_cell_types").glob("[0-9]*")) == ["77.nwb"]


def test_a_length_that_the_table_lacks_is_asked_for(tmp_path, cells, web):
    web.faults = [503]
    for row in cells:
        row["size"] = ""
    assert len(fetched(tmp_path, cells)) == 3
    (tmp_path / "cells.csv").unlink()
    web.faults = [404]
    with pytest.raises(BadInput, match=r"expected a file of a known length, got HTTP 404"):
        cell_files.assets(table(tmp_path, cells), "allen_cell_types")
    web.faults = [503] * 4
    with pytest.raises(NotReady, match="gave up after 4 attempts"):
        cell_files.assets(table(tmp_path, cells), "allen_cell_types")


def test_an_ending_is_kept_and_a_path_is_the_tables(tmp_path, cells):
    cells[0]["address"] += "/sweeps.npz?download=1"
    cells = [{**row, "path": "" if row is cells[0] else f"specimen_{row['cell_id']}/ephys.nwb"} for row in cells]
    found = cell_files.assets(table(tmp_path, cells), "mine")
    assert [asset.relative for asset in found] == [
        "mine/11.npz",
        "mine/specimen_4/ephys.nwb",
        "mine/specimen_77/ephys.nwb",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": ""}, "cell 11 expected a column address"),
        ({"address": "file:///etc/passwd"}, "http:// or https://, got 'file"),
        ({"sha256": ""}, "a column sha256 of 64 hexadecimal digits"),
        ({"sha256": "xyz"}, "a column sha256"),
        ({"size": "-3"}, "a size in bytes of at least 1, got '-3'"),
        ({"size": "0"}, "a size in bytes of at least 1"),
        ({"path": "../outside.nwb"}, "a path that stays below the data root"),
        ({"cell_id": "4"}, "each cell once, got cell 4 twice"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_is_asked(tmp_path, cells, web, changes, words):
    rows = [{"path": "", **row} for row in cells]
    rows[0].update(changes)
    with pytest.raises(BadInput, match=words):
        cell_files.assets(table(tmp_path, rows), "allen_cell_types")
    assert web.asked == []


def test_a_folder_outside_the_data_root_is_refused(tmp_path, cells):
    with pytest.raises(BadInput, match="expected one name, of a folder below the data root"):
        cell_files.assets(table(tmp_path, cells), "../elsewhere")


def test_the_command_fetches_them(tmp_path, cells):
    (tmp_path / "cells.json").write_text(json.dumps(cells))
    command = [
        "data",
        "fetch",
        "allen_cell_types",
        "--cells",
        str(tmp_path / "cells.json"),
        "--root",
        str(tmp_path / "d"),
    ]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "verified 3 files" in done.output
    assert (tmp_path / "d/allen_cell_types/77.nwb").exists()
    refused = CliRunner().invoke(main, ["data", "fetch", "--cells", str(tmp_path / "cells.json")])
    assert refused.exit_code != 0
