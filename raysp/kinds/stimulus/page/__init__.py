"""Tables and figures of continuous recordings."""
