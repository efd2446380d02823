from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.image_registry import ImageRegistryContract, RegistryStores
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_for_result
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.errors import NotFoundError
from tests.support.lock_waits import wait_until_blocked


class TestPostgresImageRegistry(ImageRegistryContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> RegistryStores:
        return RegistryStores(
            PostgresImageRegistry(emptied_database), PostgresProductStore(emptied_database)
        )


def test_an_image_for_a_product_that_is_being_deleted_is_not_reserved(
    emptied_database: Database,
) -> None:
    store, registry = (
        PostgresProductStore(emptied_database),
        PostgresImageRegistry(emptied_database),
    )
    slug = store.create(make_draft(), NOON).slug
    with ThreadPoolExecutor(1) as threads:
        with emptied_database.long_transaction() as connection:
            transaction = PostgresProductStore(emptied_database.for_transaction(connection))
            transaction.delete(slug, lambda _: None)
            reservation = threads.submit(
                registry.reserve, ["eggypro-products/egg"], expires_at=NOON, product=slug
            )
            wait_until_blocked(emptied_database, reservation)
        with pytest.raises(NotFoundError):
            wait_for_result(reservation)
