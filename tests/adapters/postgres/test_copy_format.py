"""Round trip of rows through the text format of COPY."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.copy_format import ROWS_PER_CHUNK, encode_rows
from eggypro_adapters.postgres.database import Database

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


def test_copied_rows_are_read_back_unchanged(database: Database) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text(f"CREATE TEMPORARY TABLE copies ({COLUMNS})"))

        def check_round_trip(values: Sequence[tuple[Any, ...]]) -> None:
            with driver_connection(connection.connection).cursor() as cursor:
                with cursor.copy("COPY copies FROM STDIN") as copy:
                    for chunk in encode_rows(values):
                        copy.write(chunk)
                cursor.execute("DELETE FROM copies RETURNING *")
                assert sorted(cursor.fetchall(), key=repr) == sorted(values, key=repr)

        given(st.lists(rows, max_size=20))(check_round_trip)()
        check_round_trip([(1, True, Decimal("0.01"), NOON, "", [""], {})] * (ROWS_PER_CHUNK + 1))
