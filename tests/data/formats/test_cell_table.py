"""Tables of cells in CSV and JSON, as people have them."""

from __future__ import annotations

import json

import pytest

from raysp.data.formats.cell_table import read
from raysp.errors import BadInput

ALLEN = "specimen__id,line_name,donor__species,tag__dendrite_type,structure__layer,other"
ROWS = [
    '565871768,,Homo Sapiens,spiny,3,"a, b"',
    "469801138,Oxtr-T2A-Cre,Mus musculus,aspiny,2/3,",
]
KNOWN = {
    565871768: {"species": "human", "dendrite": "spiny", "layer": "3"},
    469801138: {"species": "mouse", "line": "Oxtr-T2A-Cre", "dendrite": "aspiny", "layer": "2/3"},
}


def table(tmp_path, text, name="cells.csv"):
    (tmp_path / name).write_text(text)
    return read(str(tmp_path / name))


def test_the_databases_columns_are_known_and_others_passed_over(tmp_path):
    found = table(tmp_path, "\n".join([ALLEN, *ROWS]) + "\n")
    assert found == KNOWN
    assert list(found) == list(KNOWN)
    assert table(tmp_path, "\ufeff" + "\r\n".join([ALLEN, *ROWS])) == KNOWN


def test_own_columns_do_too(tmp_path):
    assert table(tmp_path, "cell_id,species,line,layer\n7,mouse,NaN,4\n") == {7: {"species": "mouse", "layer": "4"}}


@pytest.mark.parametrize(
    ("text", "units"),
    [("12,7,565871768", [12, 7, 565871768]), ("12", [12]), ("12\n7\n", [12, 7]), ("12.0, 7\n\n8,", [12, 7, 8])],
)
def test_numbers_alone_are_enough_and_one_is(tmp_path, text, units):
    assert list(table(tmp_path, text)) == units


@pytest.mark.parametrize(
    "content",
    [
        [{"specimen__id": 565871768, "donor__species": "Homo Sapiens", "line_name": None, "structure__layer": "3"}],
        {"565871768": {"species": "human", "layer": 3}},
    ],
)
def test_json_says_the_same(tmp_path, content):
    found = table(tmp_path, json.dumps(content), "cells.json")
    assert found == {565871768: {"species": "human", "layer": "3"}}


def test_json_may_be_numbers_alone(tmp_path):
    assert list(table(tmp_path, "[12, 7]", "cells.json")) == [12, 7]
    assert list(table(tmp_path, '{"12": null, "7": "mouse"}', "cells.json")) == [12, 7]


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "a.csv", "got an empty file"),
        ("species,layer\nmouse,4\n", "a.csv", "a column cell_id or .*, got columns species, layer"),
        ("cell_id,layer\n7,4\n7,5\n", "a.csv", "each cell once, got cell 7 twice"),
        ("7,7", "a.csv", "got cell 7 twice"),
        ("cell_id,layer\n7\n", "a.csv", "line 2 expected 2 columns, got 1"),
        ("cell_id,layer\nseven,4\n", "a.csv", "cell 1 expected a whole number from 0, got 'seven'"),
        ("cell_id,layer\n7.5,4\n", "a.csv", "got '7.5'"),
        ("cell_id\n", "a.csv", "at least one cell"),
        ('cell_id,layer\n7,"4\n', "a.csv", "expected a table in CSV, got something else"),
        ("3", "a.json", "expected a list of cells in JSON, got int"),
        ("[true]", "a.json", "whole number from 0, got 'True'"),
        ("[-3]", "a.json", "got '-3'"),
        ('[{"layer": 4}]', "a.json", "got 'None'"),
        ("[]", "a.json", "at least one cell"),
        ("{", "a.json", "a.json"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, text, name, words):
    with pytest.raises(BadInput, match=words):
        table(tmp_path, text, name)
