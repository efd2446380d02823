"""The story itself: equal shops part nowhere, and one that errs is told apart."""

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import Phase, settings

from eggypro_adapters.contracts.category_store import CategoryStores
from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_core.domain.category import Category
from tests.stories.category_story import play_category_stories
from tests.stories.product_story import STORY

QUICK = settings(STORY, phases=[Phase.generate], database=None, derandomize=True, max_examples=200)


class UnmovingStore(MemoryCategoryStore):
    """Leaves every category where it was."""

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        return super().update(slug, lambda one: evolve(change(one), parent=one.parent))


class UnforgettingStore(MemoryCategoryStore):
    """Keeps the links of what is gone."""

    def unlink(self, product: str, category: str) -> None:
        """Do nothing."""


class UncountingStore(MemoryCategoryStore):
    """Counts nothing."""

    def get(self, slug: str) -> Category:
        return evolve(super().get(slug), product_count=0)

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        return evolve(super().update(slug, change), product_count=0)


def shop(
    kind: Callable[[MemoryDatabase], MemoryCategoryStore] = MemoryCategoryStore,
) -> CategoryStores:
    database = MemoryDatabase()
    return CategoryStores(kind(database), MemoryProductStore(database))


def test_two_shops_of_one_kind_never_part() -> None:
    play_category_stories(shop, shop)


@pytest.mark.parametrize("kind", [UnmovingStore, UnforgettingStore, UncountingStore])
def test_a_shop_that_errs_is_told_apart(
    kind: Callable[[MemoryDatabase], MemoryCategoryStore],
) -> None:
    with pytest.raises(AssertionError):
        play_category_stories(shop, lambda: shop(kind), QUICK)
