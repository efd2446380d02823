"""Records, rules and queries of the catalogue. Pure: no I/O, no ports."""
