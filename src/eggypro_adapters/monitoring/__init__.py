"""Metrics exporters, error trackers and worker statistics."""
