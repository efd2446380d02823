"""Entry points that serve the app."""
