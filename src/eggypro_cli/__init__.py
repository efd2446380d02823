"""Command line of EggyPro."""
