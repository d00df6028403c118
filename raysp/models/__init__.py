"""One file per model, its Config beside its Model; found by its file name. `base.py` says what a model is."""
