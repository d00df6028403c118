import polars

from raysp.io import lazy_tables


def test_a_file_that_lacks_a_column_is_read_beside_one_that_has_it(tmp_path):
    paths = [str(tmp_path / name) for name in ("new.parquet", "old.parquet")]
    polars.DataFrame({"unit": [3], "unit_name": ["c3"]}).write_parquet(paths[0])
    polars.DataFrame({"unit": [4]}).write_parquet(paths[1])
    assert lazy_tables.scan(paths).collect().rows() == [(3, "c3"), (4, None)]
    assert lazy_tables.scan(paths[::-1]).collect().rows() == [(4,), (3,)]
