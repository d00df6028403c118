"""Searching over settings: spaces, proposals, studies on disk, and what came out. No Ray here."""
