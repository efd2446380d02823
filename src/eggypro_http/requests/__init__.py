"""Parsing of requests: bodies, parameters, client addresses, limits and idempotency keys."""
