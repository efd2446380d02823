"""Rows in the text format of COPY are what Postgres reads again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.postgres.copy_format import ROWS_PER_CHUNK, encode_rows
from eggypro_adapters.postgres.database import Database, driver_connection

COLUMNS = "number int, flag bool, amount numeric, at timestamptz, words text, list text[], map json"
NOON = datetime(2026, 1, 1, 12, 0, 0, 7, tzinfo=UTC)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])) | st.text(
    "\\\t\n\r\"'{},.N "
)
rows = st.tuples(
    st.integers(-(2**31), 2**31 - 1),
    st.booleans() | st.none(),
    st.decimals(0, 10**6, places=2) | st.none(),
    st.just(NOON),
    texts,
    st.lists(texts),
    st.dictionaries(texts, texts),
)


def test_what_is_copied_is_what_is_read_again(database: Database) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text(f"CREATE TEMPORARY TABLE copies ({COLUMNS})"))

        def come_back(sent: Sequence[tuple[Any, ...]]) -> None:
            with driver_connection(connection.connection).cursor() as cursor:
                with cursor.copy("COPY copies FROM STDIN") as copy:
                    for part in encode_rows(sent):
                        copy.write(part)
                cursor.execute("DELETE FROM copies RETURNING *")
                assert sorted(cursor.fetchall(), key=repr) == sorted(sent, key=repr)

        given(st.lists(rows, max_size=20))(come_back)()
        come_back([(1, True, Decimal("0.01"), NOON, "", [""], {})] * (ROWS_PER_CHUNK + 1))
