"""WSGI middleware around the Falcon app."""
