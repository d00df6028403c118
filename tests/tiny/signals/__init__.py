"""A third kind of data, as somebody would install it beside raysp: nothing of raysp knows of it."""
