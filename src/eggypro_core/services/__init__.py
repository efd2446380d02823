"""Use cases of the catalogue, one class per module."""
