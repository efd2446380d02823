import pytest

from eggypro_adapters.contracts import category_store, image_registry, product_search, review_store
from eggypro_adapters.contracts.event_log import EventLogContract, EventStores
from eggypro_adapters.contracts.image_store import ImageStoreContract
from eggypro_adapters.contracts.import_matching import ImportMatchingContract
from eggypro_adapters.contracts.product_store import ProductStoreContract
from eggypro_adapters.contracts.token_signer import TokenSignerContract
from eggypro_adapters.contracts.variant_store import VariantStoreContract, VariantStores
from eggypro_adapters.memory import (
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryEventLog,
    MemoryImageRegistry,
    MemoryImageStore,
    MemoryProductStore,
    MemoryReviewStore,
    MemoryTokenSigner,
    MemoryVariantStore,
)
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.access.authentication import TokenSigner
from eggypro_core.ports import ImageStore, ProductStore
from tests.stories.steady_pages import check_steady_pages


class TestMemoryProductStore(ProductStoreContract, ImportMatchingContract):
    @pytest.fixture
    def store(self) -> ProductStore:
        return MemoryProductStore()


def test_pages_are_steady_under_concurrent_writes() -> None:
    check_steady_pages(MemoryProductStore, examples=25)


class TestMemoryVariantStore(VariantStoreContract):
    @pytest.fixture
    def stores(self) -> VariantStores:
        database = MemoryDatabase()
        return VariantStores(MemoryProductStore(database), MemoryVariantStore(database))


class TestMemoryReviewStore(review_store.ReviewStoreContract):
    @pytest.fixture
    def stores(self) -> review_store.ReviewStores:
        database = MemoryDatabase()
        return review_store.ReviewStores(MemoryProductStore(database), MemoryReviewStore(database))


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    def stores(self) -> EventStores:
        database = MemoryDatabase()
        return EventStores(
            MemoryEventLog(database),
            MemoryProductStore(database),
            MemoryVariantStore(database),
            MemoryReviewStore(database),
            MemoryCategoryStore(database),
        )


class TestMemoryCategoryStore(category_store.CategoryStoreContract):
    @pytest.fixture
    def stores(self) -> category_store.CategoryStores:
        database = MemoryDatabase()
        return category_store.CategoryStores(
            MemoryCategoryStore(database), MemoryProductStore(database)
        )


class TestMemorySearch(product_search.ProductSearchContract):
    @pytest.fixture
    def stores(self) -> product_search.SearchStores:
        database = MemoryDatabase()
        return product_search.SearchStores(
            MemoryProductStore(database),
            MemoryCategoryStore(database),
            MemoryVariantStore(database),
            MemoryReviewStore(database),
        )


class TestMemoryImageRegistry(image_registry.ImageRegistryContract):
    @pytest.fixture
    def stores(self) -> image_registry.RegistryStores:
        database = MemoryDatabase()
        return image_registry.RegistryStores(
            MemoryImageRegistry(database), MemoryProductStore(database)
        )


class TestMemoryImageStore(ImageStoreContract):
    @pytest.fixture
    def images(self) -> ImageStore:
        return MemoryImageStore(PillowImageCleaner())


class TestMemoryTokenSigner(TokenSignerContract):
    @pytest.fixture
    def signer(self) -> TokenSigner:
        return MemoryTokenSigner()

    @pytest.fixture
    def other_signer(self) -> TokenSigner:
        return MemoryTokenSigner()
