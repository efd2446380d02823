"""Adapters: the implementations of the core's ports, the settings and the wiring."""
