"""The story itself: equal shops part nowhere, and one that errs is told apart."""

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import Phase, settings

from eggypro_adapters.contracts.category_store import Stores
from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_core.domain.category import Category
from tests.stories.category_story import play
from tests.stories.product_story import STORY

QUICK = settings(STORY, phases=[Phase.generate], database=None, derandomize=True, max_examples=200)


class Rootless(MemoryCategoryStore):
    """Leaves every category where it was."""

    def change(self, slug: str, to: Callable[[Category], Category]) -> Category:
        return super().change(slug, lambda one: evolve(to(one), parent=one.parent))


class Clinging(MemoryCategoryStore):
    """Keeps the links of what is gone."""

    def unlink(self, product: str, category: str) -> None:
        """Do nothing."""


class Blind(MemoryCategoryStore):
    """Counts nothing."""

    def find(self, slug: str) -> Category:
        return evolve(super().find(slug), product_count=0)

    def change(self, slug: str, to: Callable[[Category], Category]) -> Category:
        return evolve(super().change(slug, to), product_count=0)


def shop(kind: Callable[[MemoryDatabase], MemoryCategoryStore] = MemoryCategoryStore) -> Stores:
    database = MemoryDatabase()
    return Stores(kind(database), MemoryProductStore(database))


def test_two_shops_of_one_kind_never_part() -> None:
    play(shop, shop)


@pytest.mark.parametrize("kind", [Rootless, Clinging, Blind])
def test_a_shop_that_errs_is_told_apart(
    kind: Callable[[MemoryDatabase], MemoryCategoryStore],
) -> None:
    with pytest.raises(AssertionError):
        play(shop, lambda: shop(kind), QUICK)
