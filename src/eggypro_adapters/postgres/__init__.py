"""Stores of the catalogue in Postgres: statements by SQLAlchemy Core, run by psycopg."""
