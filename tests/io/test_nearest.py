from raysp.io.nearest import near


def test_what_was_meant_is_the_nearest_that_is_there_in_the_first_folder_that_is_wrong(tmp_path):
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "monkey.nwb").write_text("")
    (tmp_path / "recording.txt").write_text("")
    assert near(f"{tmp_path}/recordings/Monky.nwb") == f"did you mean '{tmp_path}/recordings/monkey.nwb'?"
    assert near(f"{tmp_path}/recordngs/monkey.nwb") == f"did you mean '{tmp_path}/recordings'?"
    assert near(f"{tmp_path}/recordings/zzz") == ""
    assert near(f"{tmp_path}/recordings/monky.nwb", lambda path: False) == ""
    assert near("s3://bucket/monky.nwb") == ""
