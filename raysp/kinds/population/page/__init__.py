"""Tables and figures of population splits."""
