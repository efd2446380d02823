from decimal import Decimal

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts import review_store
from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.product_store import NOON, ProductStoreContract, a_draft
from eggypro_adapters.contracts.variant_store import Stores, VariantStoreContract
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import VariantQuery
from eggypro_core.errors import NotFoundError
from eggypro_core.ports import ProductStore
from eggypro_core.services.variants import Assortment


class TestPostgresProductStore(ProductStoreContract):
    @pytest.fixture
    def store(self, database: Database) -> ProductStore:
        return PostgresProductStore(database)


class TestPostgresVariantStore(VariantStoreContract):
    @pytest.fixture
    def stores(self, database: Database) -> Stores:
        return Stores(PostgresProductStore(database), PostgresVariantStore(database))


class TestPostgresReviewStore(review_store.ReviewStoreContract):
    @pytest.fixture
    def stores(self, database: Database) -> review_store.Stores:
        return review_store.Stores(PostgresProductStore(database), PostgresReviewStore(database))


@pytest.mark.parametrize("slug", ["a\0", "\ud800", "A b"])
def test_a_slug_that_postgres_could_not_even_read_has_no_variants(
    database: Database, slug: str
) -> None:
    assortment = Assortment(PostgresVariantStore(database), FakeClock())
    with pytest.raises(NotFoundError):
        assortment.page(VariantQuery(product=slug))


def test_facets_of_very_many_are_told_by_a_sample(database: Database) -> None:
    store = PostgresProductStore(database)
    drafts = [a_draft("x", slug=f"x{n}", stock_quantity=n % 4) for n in range(MAX_EXACT_TOTAL + 1)]
    with store.load() as load:
        load.put(drafts, [], NOON)
        load.commit()
    with database.begin() as connection:
        connection.execute(sa.text("ANALYZE product_search"))
    for query in (ProductQuery(), ProductQuery(search="x")):
        facets = store.facets(query, many=True)
        assert facets.is_sampled
        assert facets.in_stock == pytest.approx(MAX_EXACT_TOTAL * 3 / 4, rel=0.1)
        assert (facets.lowest, facets.highest) == (Decimal("24.99"), Decimal("24.99"))
