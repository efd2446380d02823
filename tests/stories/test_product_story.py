"""Tests of the story: equal stores agree, and a faulty one is detected."""

from collections.abc import Callable
from datetime import datetime

import pytest
from attrs import evolve
from hypothesis import Phase, settings

from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct, Product, ProductDraft
from eggypro_core.domain.product_query import ProductQuery
from tests.stories.product_story import STORY, play_product_stories

QUICK = settings(STORY, phases=[Phase.generate], database=None, derandomize=True, max_examples=200)


class SkuLosingStore(MemoryProductStore):
    """Loses the SKU of created products."""

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        return super().create(evolve(draft, sku=None), at)


class NonDeletingStore(MemoryProductStore):
    """Never deletes a product."""

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        check(self.get(slug))


class RowSkippingStore(MemoryProductStore):
    """Skips a row on the next page."""

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        page = super().list(query)
        return evolve(page, next_query=page.next_query and evolve(page.next_query, offset=1))


class OversellingStore(MemoryProductStore):
    """Accepts sales above the stock."""

    def adjust_stock(self, slug: str, delta: int) -> int:
        return super().adjust_stock(slug, max(delta, -self.get(slug).stock_quantity))


def test_equal_stores_agree() -> None:
    play_product_stories(MemoryProductStore, MemoryProductStore)


@pytest.mark.parametrize(
    "make", [SkuLosingStore, NonDeletingStore, RowSkippingStore, OversellingStore]
)
def test_a_faulty_store_is_detected(make: Callable[[], MemoryProductStore]) -> None:
    with pytest.raises(AssertionError):
        play_product_stories(MemoryProductStore, make, QUICK)
