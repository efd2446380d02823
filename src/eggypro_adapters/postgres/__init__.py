"""The catalogue in Postgres: SQLAlchemy Core for the statements, psycopg to carry them."""
