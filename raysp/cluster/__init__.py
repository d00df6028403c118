"""Many trials on Ray: the only room that imports ray."""
