"""Read stock quantities."""
