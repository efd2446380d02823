"""Rights on tables and sequences that a role lacks, and sequences behind their tables."""

from collections.abc import Iterator

import sqlalchemy as sa

_MISSING_RIGHTS = sa.text("""
WITH roles AS (
  SELECT to_regrole(quote_ident(rolname)) AS role FROM pg_roles
  WHERE rolname IN (:role, current_user) ORDER BY rolname IS NOT DISTINCT FROM :role DESC LIMIT 1
), needed AS (
  SELECT pg_class.oid, relname, relkind, right_name, position
  FROM pg_class CROSS JOIN LATERAL unnest(
    CASE WHEN relname = 'alembic_version' THEN ARRAY['SELECT']
      WHEN relkind = 'S' THEN ARRAY['USAGE']
      ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END
  ) WITH ORDINALITY AS rights (right_name, position)
  WHERE relkind IN ('r', 'p', 'S') AND relnamespace = CAST(current_schema() AS regnamespace)
    AND (relname = ANY(:tables) OR EXISTS (
      SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('i', 'a')
        AND CAST(CAST(refobjid AS regclass) AS text) = ANY(:tables)))
)
SELECT CAST(role AS text), 'schema', CAST(schema AS text), 'USAGE'
FROM roles, to_regnamespace(coalesce(current_schema(), 'public')) AS schema
WHERE NOT has_schema_privilege(role, schema, 'USAGE')
UNION ALL
(SELECT CAST(role AS text), CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, relname,
  string_agg(right_name, ', ' ORDER BY position)
FROM needed CROSS JOIN roles
WHERE NOT CASE WHEN relkind = 'S' THEN has_sequence_privilege(role, oid, right_name)
  ELSE has_table_privilege(role, oid, right_name) END
GROUP BY role, relkind, relname ORDER BY relkind, relname)
""").bindparams(sa.bindparam("role", type_=sa.Text))
_IS_READABLE = sa.text("""
SELECT coalesce(bool_and(
  CASE WHEN relkind = 'S' THEN has_sequence_privilege(oid, 'USAGE')
    ELSE has_table_privilege(oid, 'SELECT') END
), true) FROM pg_class
WHERE relkind IN ('r', 'p', 'S') AND relnamespace = CAST(current_schema() AS regnamespace)
""")
_IDENTITY_COLUMNS = sa.text("""
SELECT CAST(attrelid AS regclass), quote_ident(attname),
  pg_get_serial_sequence(CAST(CAST(attrelid AS regclass) AS text), attname)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attidentity <> '' AND NOT attisdropped AND relname = ANY(:tables)
  AND relnamespace = CAST(current_schema() AS regnamespace)
ORDER BY relname
""")


def missing_rights(connection: sa.Connection, tables: list[str], role: str | None) -> Iterator[str]:
    """Yield a sentence for the schema and each table and sequence on which a role lacks rights.

    The role is that of the connection if `role` is None or unknown, as an alias of a pooler is.
    """
    rows = connection.execute(_MISSING_RIGHTS, {"role": role, "tables": tables})
    for name, kind, relation, rights in rows:
        yield (
            f"Missing right: role {name} lacks {rights} on {kind} {relation}."
            f" Run: GRANT {rights} ON {kind.upper()} {relation} TO {name}"
        )


def is_readable(connection: sa.Connection) -> bool:
    """Return whether the role of the connection may read all tables and sequences."""
    return bool(connection.scalar(_IS_READABLE))


def outdated_sequences(connection: sa.Connection, tables: list[str]) -> Iterator[str]:
    """Yield a sentence for each sequence whose next id a row already has."""
    for table, column, sequence in connection.execute(_IDENTITY_COLUMNS, {"tables": tables}).all():
        last, newest = connection.execute(
            sa.text(
                f"SELECT coalesce(pg_sequence_last_value(CAST(:sequence AS regclass)), 0),"
                f" coalesce(max({column}), 0) FROM {table}"
            ),
            {"sequence": sequence},
        ).one()
        if last < newest:
            yield (
                f"Outdated in the database: sequence {sequence} is at {last}, {table}.{column} at"
                f" {newest}. Run: SELECT setval('{sequence}', {newest})"
            )
