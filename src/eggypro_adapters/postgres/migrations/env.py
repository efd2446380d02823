"""Entry point of Alembic: runs the migrations in the transaction of PostgresMigrations."""

from alembic import context

from eggypro_adapters.postgres.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    version_table_schema=context.config.attributes.get("schema"),
)
with context.begin_transaction():
    context.run_migrations()
