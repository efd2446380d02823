"""Validation of values that come from outside."""
