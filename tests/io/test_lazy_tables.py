import numpy as np
import polars
import pytest
from polars import col

from raysp.errors import BadInput
from raysp.io import lazy_tables, tables


def test_a_file_that_lacks_a_column_is_read_beside_one_that_has_it(tmp_path):
    paths = [str(tmp_path / name) for name in ("new.parquet", "old.parquet")]
    polars.DataFrame({"unit": [3], "unit_name": ["c3"]}).write_parquet(paths[0])
    polars.DataFrame({"unit": [4]}).write_parquet(paths[1])
    assert lazy_tables.scan(paths).collect().rows() == [(3, "c3"), (4, None)]
    assert lazy_tables.scan(paths[::-1]).collect().rows() == [(4,), (3,)]
    assert lazy_tables.scan(paths).filter(col("unit_name").is_null()).collect().rows() == [(4, None)]
    assert lazy_tables.scan(paths).select(polars.len()).collect().item() == 2
    assert lazy_tables.scan(paths).filter(polars.lit(True)).collect().height == 2
    assert lazy_tables.scan(paths).filter(polars.lit(True)).select(polars.len()).collect().item() == 2
    assert lazy_tables.scan(paths).select("unit_name").head(1).collect().rows() == [("c3",)]


def test_a_flipped_bit_is_told_of_where_it_is_read_and_other_files_are_there(tmp_path):
    paths = [str(tmp_path / f"{name}.parquet") for name in "ab"]
    for number, path in enumerate(paths):
        rates = np.random.default_rng(number).random((4000, 1)).tolist()
        table = polars.DataFrame({"model": [f"m{number}"] * 4000, "rates": rates})
        tables.write_table(path, table)
    content = bytearray((tmp_path / "b.parquet").read_bytes())
    # Within the rates: what says how to read them lies at the end.
    content[len(content) // 2] ^= 1
    (tmp_path / "b.parquet").write_bytes(content)
    rows = lazy_tables.scan(paths)
    assert rows.filter(model="m0").collect().height == 4000
    with pytest.raises(BadInput, match=r"b\.parquet is damaged"):
        rows.collect()
