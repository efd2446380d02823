"""The story itself: equal stores part nowhere, and one that errs is told apart."""

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
    """Loses the SKU of what it adds."""

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        return super().create(evolve(draft, sku=None), at)


class UndeletingStore(MemoryProductStore):
    """Keeps what should be gone."""

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        check(self.get(slug))


class RowSkippingStore(MemoryProductStore):
    """Lets `next` skip a row."""

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        page = super().list(query)
        return evolve(page, next_query=page.next_query and evolve(page.next_query, offset=1))


class OversellingStore(MemoryProductStore):
    """Sells what is not there."""

    def adjust_stock(self, slug: str, delta: int) -> int:
        return super().adjust_stock(slug, max(delta, -self.get(slug).stock_quantity))


def test_two_stores_of_one_kind_never_part() -> None:
    play_product_stories(MemoryProductStore, MemoryProductStore)


@pytest.mark.parametrize(
    "make", [SkuLosingStore, UndeletingStore, RowSkippingStore, OversellingStore]
)
def test_a_store_that_errs_is_told_apart(make: Callable[[], MemoryProductStore]) -> None:
    with pytest.raises(AssertionError):
        play_product_stories(MemoryProductStore, make, QUICK)
