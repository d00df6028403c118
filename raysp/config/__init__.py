"""What is run, and how it is built from what a person sets."""
