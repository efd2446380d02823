"""Validation of input values."""
