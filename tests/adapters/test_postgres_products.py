import pytest

from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.assortment import Assortment
from eggypro_core.errors import NotFoundError
from eggypro_core.ports import ProductStore
from eggypro_core.variants import VariantQuery
from tests.clock import FakeClock
from tests.contracts import review_store
from tests.contracts.product_store import ProductStoreContract
from tests.contracts.variant_store import Stores, VariantStoreContract


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
