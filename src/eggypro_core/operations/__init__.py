"""Health, metrics, error tracking, migrations and idempotency of a running shop."""
