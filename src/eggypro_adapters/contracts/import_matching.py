"""Contract suite of the matching of imported products with stored ones."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from attrs import evolve, fields_dict

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft, set_field
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import ImportItem, MatchedBy, MatchKeys
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.variant import VariantDraft
from eggypro_core.ports import ProductStore

SLUG, SOURCE_ID, SKU, NAME = MatchedBy
GTIN, OTHER_GTIN = "4006381333931", "96385074"
SOURCE = "shop"


def keys(name: str | None = None, *skus: str, is_priced: bool = True, **values: str) -> MatchKeys:
    """Return the keys of an item."""
    gtins = (values.pop("gtin"),) if "gtin" in values else ()
    assert values.keys() <= fields_dict(MatchKeys).keys()
    folded = None if name is None else name_sort_key(name)
    can_be_new = is_priced and name is not None
    return MatchKeys(name=folded, skus=skus, gtins=gtins, can_be_new=can_be_new, **values)


class ImportMatchingContract:
    """Subclasses provide the fixture `store`: an empty store."""

    @pytest.fixture
    def shop(self, store: ProductStore) -> ProductStore:
        """A store of five products, two of them with the same name."""
        store.create(make_draft("Mug", slug="mug", sku="M", gtin=GTIN), NOON)
        store.create(make_draft("Mug", slug="mug-2", sku="N"), NOON)
        store.create(make_draft("Egg", slug="egg"), NOON)
        store.create(make_draft("Ham", slug="ham", is_active=False), NOON)
        store.create(make_draft("Tea", slug="old-tea", sku="T"), NOON)
        store.update("old-tea", set_field("slug", "tea"))
        self._import_source_ids(store, {"7": "mug-2", "8": "egg", "9": "tea"})
        return store

    def _import_source_ids(self, store: ProductStore, slugs: dict[str, str]) -> None:
        with store.begin_import() as session:
            session.remember_sources(SOURCE, slugs)
            session.commit()

    def match(
        self, store: ProductStore, *items: MatchKeys, source: str = SOURCE
    ) -> list[tuple[str, MatchedBy | None] | None]:
        """Return, for each item, the slug of its product and the key by which they match."""
        changes = ProductChanges()
        with store.begin_import() as session:
            session.stage.add(
                [ImportItem(number, number, key, changes) for number, key in enumerate(items)]
            )
            session.match(source)
            return [
                (match.stored.product.slug, match.by) if match.stored else None
                for matches in session.matches()
                for match in matches
            ]

    def test_by_a_current_or_former_slug(self, shop: ProductStore) -> None:
        items = [keys("X", slug="mug"), keys("Y", "M", slug="old-tea"), keys(slug="no-such")]
        assert self.match(shop, *items) == [("mug", SLUG), ("tea", SLUG), None]

    def test_by_a_handle_that_the_source_knows(self, shop: ProductStore) -> None:
        self._import_source_ids(shop, {"handle:my_mug": "mug-2"})
        items = [keys("X", slug="mug-2", handle="mug-2"), keys(slug="my-mug", handle="my_mug")]
        assert self.match(shop, *items) == [None, ("mug-2", SLUG)]

    def test_a_current_slug_comes_before_a_former_one(self, shop: ProductStore) -> None:
        items = [keys(slug="old-tea"), keys(slug="tea")]
        assert self.match(shop, *items) == [None, ("tea", SLUG)]

    def test_by_the_id_of_the_source_if_something_agrees(self, shop: ProductStore) -> None:
        for item in (
            keys("MUG", source_id="7"),
            keys("New", "N", source_id="7"),
            keys("New", "X", "N", source_id="7"),
            keys("Mug", "M", source_id="7"),  # not `mug`, which has the SKU
        ):
            assert self.match(shop, item) == [("mug-2", SOURCE_ID)]
        for item in (keys("New", source_id="7"), keys("New", "M", source_id="7")):
            assert self.match(shop, item) == [None]
        assert self.match(shop, keys("Mug", source_id="7"), source="other") == [None]
        assert self.match(shop, keys(None, source_id="7")) == [("mug-2", SOURCE_ID)]

    def test_by_a_sku_if_the_name_or_a_gtin_agrees(self, shop: ProductStore) -> None:
        assert self.match(shop, keys("mug", "M"), keys("múg", "N")) == [
            ("mug", SKU),
            ("mug-2", SKU),
        ]
        assert self.match(shop, keys("New", "M", gtin=GTIN)) == [("mug", SKU)]
        assert self.match(shop, keys("New", "M", gtin=OTHER_GTIN)) == [None]
        assert self.match(shop, keys("New", "M")) == [None]
        assert self.match(shop, keys(None, "M")) == [("mug", SKU)]
        assert self.match(shop, keys("Mug", "M", slug="new-mug")) == [("mug", SKU)]

    def test_not_by_skus_of_two_products_or_of_two_items(self, shop: ProductStore) -> None:
        assert self.match(shop, keys("Mug", "M", "N")) == [None]
        assert self.match(shop, keys("Mug", "M"), keys("Mug", "M")) == [None, None]
        assert self.match(shop, keys("Mug", "M"), keys("X", slug="mug")) == [None, ("mug", SLUG)]

    def test_by_a_sku_of_no_other_item_if_it_cannot_be_new(self, shop: ProductStore) -> None:
        """Otherwise it would match at the next import, when the other item has its own product."""
        matched = keys("Mug", "M", slug="mug-2")
        assert self.match(shop, matched, keys("Mug", "M")) == [("mug-2", SLUG), ("mug", SKU)]
        for item in (keys(None, "M"), keys("Mug", "M", is_priced=False)):
            assert self.match(shop, item) == [("mug", SKU)]
            assert self.match(shop, matched, item) == [("mug-2", SLUG), None]

    def test_by_the_sku_and_gtin_of_a_variant(self, shop: ProductStore) -> None:
        draft = VariantDraft(
            options={"Size": "S"}, price=Decimal(1), sku="E-S", gtin=GTIN, position=0
        )
        with shop.begin_import() as session:
            session.write_variants([("egg", draft)], [])
            session.commit()
        assert self.match(shop, keys("Egg", "E-S")) == [("egg", SKU)]
        assert self.match(shop, keys("New", "E-S", gtin=GTIN)) == [("egg", SKU)]

    def test_by_a_name_that_is_unique_on_both_sides(self, shop: ProductStore) -> None:
        items = [keys("EGG"), keys("ham"), keys("Mug"), keys("Tea", "T2"), keys(None)]
        assert self.match(shop, *items) == [("egg", NAME), ("ham", NAME), None, None, None]
        assert self.match(shop, keys("Egg"), keys("Egg")) == [None, None]
        assert self.match(shop, keys("Egg"), keys("Egg", slug="egg")) == [None, ("egg", SLUG)]

    def test_not_by_a_name_if_a_key_contradicts(self, shop: ProductStore) -> None:
        assert self.match(shop, keys("Egg", slug="other-egg")) == [None]
        assert self.match(shop, keys("Egg", source_id="1")) == [None]
        assert self.match(shop, keys("Ham", source_id="1")) == [("ham", NAME)]
        assert self.match(shop, keys("Egg", "E")) == [("egg", NAME)]

    def test_a_source_id_means_the_last_product_that_had_it(self, shop: ProductStore) -> None:
        self._import_source_ids(shop, {"8": "ham", "10": "egg"})
        items = [keys("Egg", source_id="8"), keys("Ham", source_id="8")]
        assert self.match(shop, *items) == [None, ("ham", SOURCE_ID)]
        assert self.match(shop, keys("Egg", source_id="11")) == [None]
        assert self.match(shop, keys("Egg", source_id="10")) == [("egg", SOURCE_ID)]
        shop.delete("ham", lambda _: None)
        self._import_source_ids(shop, {"8": "egg"})
        assert self.match(shop, keys("Egg", source_id="8")) == [("egg", SOURCE_ID)]

    def test_a_product_that_lost_its_source_id_does_not_take_another_by_name(
        self, shop: ProductStore
    ) -> None:
        self._import_source_ids(shop, {"8": "ham"})
        assert self.match(shop, keys("Egg", source_id="11")) == [None]

    def test_ids_that_the_source_did_not_give_contradict_nothing(self, shop: ProductStore) -> None:
        self._import_source_ids(shop, {"row:1": "ham", "handle:schinken": "ham"})
        for source_id in ("5", "row:2"):
            assert self.match(shop, keys("Ham", source_id=source_id)) == [("ham", NAME)]
        assert self.match(shop, keys("Egg", source_id="row:2")) == [("egg", NAME)]
        assert self.match(shop, keys("Ham", source_id="row:1")) == [("ham", SOURCE_ID)]

    def test_items_are_matched_in_batches(self, shop: ProductStore) -> None:
        changes = ProductChanges()
        batches: Sequence[Sequence[ImportItem]] = [
            [ImportItem(0, 2, keys(slug="egg"), changes), ImportItem(1, 3, keys("X"), changes)],
            [ImportItem(2, 4, keys(slug="mug"), evolve(changes, price=Decimal(3)))],
        ]
        with shop.begin_import() as session:
            for batch in batches:
                session.stage.add(batch)
            session.match(SOURCE)
            matches = [[match.item for match in batch] for batch in session.matches()]
            assert matches == batches
            assert session.find_item(shop.get("mug").id) == 2
            assert session.find_item(shop.get("tea").id) is None
            assert session.stage.get(1) == batches[0][1]
