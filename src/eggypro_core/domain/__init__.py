"""Records, rules and queries: pure, without I/O and ports."""
