"""Predictions of many trials become one Parquet dataset and the submission files."""
