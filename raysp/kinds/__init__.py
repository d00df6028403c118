"""Kinds of data: what differs between them stands behind one protocol, a folder per kind."""
