"""What models get to see: a file per kind of split, and how they lie on disk."""
