"""Files, stores of objects, addresses, tables, YAML, and the machine that they lie on."""
