"""Contract suite of `EventLog`, and of the events that the stores of the same shop append."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_core.domain.category import Category, CategoryDraft
from eggypro_core.domain.event import Event, EventType, digest_of, shown_change
from eggypro_core.domain.event_query import (
    LATEST,
    START,
    BatchQuery,
    EventQuery,
    LogPosition,
    Order,
)
from eggypro_core.domain.origin import Origin, Source, writing_as, writing_for
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.review import ReviewDraft
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.errors import ConflictError, GoneError, NotFoundError
from eggypro_core.ports import (
    CategoryStore,
    EventLog,
    ProductStore,
    ReviewStore,
    VariantStore,
)

EGG = "egg-white"
LATER = NOON + timedelta(hours=1)
ADA = Origin("token:Ada", Source.HTTP, "request-1")


@frozen
class EventStores:
    """The stores of one shop, and its event log."""

    log: EventLog
    products: ProductStore
    variants: VariantStore
    reviews: ReviewStore
    categories: CategoryStore

    def events(self, **query: Any) -> Sequence[Event]:
        """Return all events that match a query, following the positions of two events each."""
        events: list[Event] = []
        page = self.log.list(EventQuery(limit=2, **query))
        while page.items:
            events += page.items
            if page.next_position is None:
                break
            after = page.next_position
            page = self.log.list(EventQuery(limit=2, **{**query, "after": after}))
        return events

    def events_of(self, write: Callable[[], object]) -> Sequence[Event]:
        """Return the events of a write."""
        after = self.log.list(EventQuery(after=LATEST)).next_position
        write()
        return self.events(after=after)

    def changes_of(self, write: Callable[[], object]) -> list[tuple[str, Any]]:
        """Return the types and changes of the events of a write."""
        return [(event.type.value, event.changes) for event in self.events_of(write)]

    def update(self, **changes: Any) -> Product:
        """Update the egg white."""

        def change(product: Product) -> Product:
            return evolve(product, **changes, version=product.version + 1)

        return self.products.update(EGG, change)


class EventLogContract:
    """Subclasses provide the fixture `stores`: the stores of an empty shop."""

    @pytest.fixture(autouse=True)
    def _create_egg_white(self, stores: EventStores) -> None:
        stores.products.create(make_draft(stock_quantity=5), NOON)

    # Events of writes

    def test_an_event_says_who_changed_what(self, stores: EventStores) -> None:
        with writing_as(ADA) as context:
            product = stores.update(price=Decimal("19.99"))
        [event] = stores.events(types=(EventType.PRODUCT_UPDATED,))
        assert event.origin == ADA
        assert event.batch_id == context.batch_id
        assert event.changes == {"price": ["24.99", "19.99"]}
        assert event.version == product.version == 2
        subject = event.subject
        assert (subject.id, subject.product_id) == (product.id, product.id)
        assert (subject.slug, subject.name) == (EGG, product.name)
        assert abs(event.at - stores.log.get_batch(event.batch_id).at) < timedelta(seconds=1)

    def test_a_write_of_the_library_says_so(self, stores: EventStores) -> None:
        [event] = stores.events()
        assert event.origin == Origin("library", Source.LIBRARY)
        assert (event.type, event.changes) == (EventType.PRODUCT_CREATED, None)

    def test_a_write_that_changes_nothing_has_no_event(self, stores: EventStores) -> None:
        def write() -> None:
            stores.products.update(EGG, lambda product: product)
            stores.products.set_stock(EGG, 5)
            stores.products.adjust_stock(EGG, 0)

        with writing_as(ADA) as context:
            assert not stores.events_of(write)
        assert not context.batch_ids

    def test_a_refused_write_has_no_event(self, stores: EventStores) -> None:
        def write() -> None:
            with pytest.raises(ConflictError):
                stores.products.adjust_stock(EGG, -6)
            with pytest.raises(ConflictError):
                stores.products.create(make_draft(slug=EGG), NOON)
            with pytest.raises(NotFoundError):
                stores.products.delete("missing", lambda _: None)

        assert not stores.events_of(write)

    def test_archive_restore_and_delete(self, stores: EventStores) -> None:
        assert stores.changes_of(lambda: stores.update(is_active=False)) == [
            ("product.archived", {"is_active": [True, False]})
        ]
        assert stores.changes_of(lambda: stores.update(is_active=True, name="New")) == [
            ("product.restored", {"name": ["Egg White", "New"], "is_active": [False, True]})
        ]
        product_id = stores.products.get(EGG).id
        [event] = stores.events_of(lambda: stores.products.delete(EGG, lambda _: None))
        assert (event.type, event.changes) == (EventType.PRODUCT_DELETED, None)
        assert (event.subject.id, event.subject.slug) == (product_id, EGG)

    def test_a_stock_change_has_its_reason_and_reference(self, stores: EventStores) -> None:
        def write() -> None:
            with writing_for(reason="sale", reference="order 17"):
                stores.products.adjust_stock(EGG, -2)
            stores.products.set_stock(EGG, 40)

        sold, counted = stores.events_of(write)
        assert sold.type is counted.type is EventType.PRODUCT_STOCK_CHANGED
        assert sold.changes == {"stock_quantity": [5, 3]}
        assert counted.changes == {"stock_quantity": [3, 40]}
        assert (sold.origin.reason, sold.origin.reference) == ("sale", "order 17")
        assert (counted.origin.reason, counted.origin.reference) == (None, None)

    def test_an_update_of_fields_and_stock_has_two_events(self, stores: EventStores) -> None:
        assert stores.changes_of(lambda: stores.update(name="New", stock_quantity=1)) == [
            ("product.updated", {"name": ["Egg White", "New"]}),
            ("product.stock_changed", {"stock_quantity": [5, 1]}),
        ]

    def test_long_values_keep_the_former_one(self, stores: EventStores) -> None:
        text = "ä\n" * 300
        stores.update(description=text)
        [event] = stores.events_of(lambda: stores.update(description=text + "!"))
        assert event.changes is not None
        change = event.changes["description"]
        assert change == {
            "before": text,
            "after": {"length": 601, "start": text[:100], "digest": digest_of(text + "!")},
        }
        assert shown_change(change) == [
            {"length": 600, "start": text[:100]},
            {"length": 601, "start": text[:100]},
        ]

    def test_images_and_attributes_keep_the_former_value(self, stores: EventStores) -> None:
        image = Image("https://x.example/1.jpg", "An egg")
        before = stores.products.get(EGG)
        attributes = {"B": "1", "A": "2"}
        [event] = stores.events_of(lambda: stores.update(images=(image,), attributes=attributes))
        changes: Any = event.changes
        assert changes["images"]["before"] == []
        assert changes["images"]["after"]["digest"] == digest_of(
            [{"ref": image.ref, "alt": image.alt}]
        )
        assert changes["attributes"]["before"] == dict(before.attributes)
        assert changes["attributes"]["after"]["digest"] == digest_of(attributes)
        assert changes["attributes"]["after"]["digest"] != digest_of({"A": "2", "B": "1"})

    def test_variants(self, stores: EventStores) -> None:
        draft = VariantDraft(options={"Size": "1 kg"}, price=Decimal("20.00"), stock_quantity=3)
        [created] = stores.events_of(lambda: stores.variants.create(EGG, draft, NOON))
        product_id, variant_id = created.subject.product_id, created.subject.id
        assert (created.type, created.changes) == (EventType.VARIANT_CREATED, None)
        assert created.subject.name == "Egg White (Size: 1 kg)"
        assert (created.subject.slug, created.version) == (EGG, 2)
        assert product_id == stores.products.get(EGG).id

        def change(variant: Variant) -> Variant:
            return evolve(variant, price=Decimal("21.00"), stock_quantity=4)

        assert stores.changes_of(lambda: stores.variants.update(EGG, variant_id, change, NOON)) == [
            ("variant.updated", {"price": ["20.00", "21.00"]}),
            ("variant.stock_changed", {"stock_quantity": [3, 4]}),
        ]
        assert stores.changes_of(lambda: stores.variants.adjust_stock(EGG, variant_id, -1)) == [
            ("variant.stock_changed", {"stock_quantity": [4, 3]})
        ]
        assert not stores.changes_of(lambda: stores.variants.set_stock(EGG, variant_id, 3))

        def delete() -> None:
            for _ in range(2):  # the second time, it is missing
                stores.variants.delete(EGG, variant_id, lambda _: None, NOON)

        [deleted] = stores.events_of(delete)
        assert deleted.type is EventType.VARIANT_DELETED
        assert deleted.subject == created.subject

    def test_categories(self, stores: EventStores) -> None:
        categories = stores.categories

        def create() -> None:
            categories.create(CategoryDraft(name="Food"), NOON)
            drafts = [CategoryDraft(name="Bars", slug="bars", parent="food")]
            categories.create_many([*drafts, CategoryDraft(name="Tiny", parent="bars")], NOON)

        events = stores.events_of(create)
        assert [event.type for event in events] == [EventType.CATEGORY_CREATED] * 3
        assert [event.subject.slug for event in events] == ["food", "bars", "tiny"]
        assert len({event.batch_id for event in events}) == 2

        def rename(category: Category) -> Category:
            return evolve(category, name="Protein bars", is_active=False)

        assert stores.changes_of(lambda: categories.update("bars", rename)) == [
            ("category.archived", {"name": ["Bars", "Protein bars"], "is_active": [True, False]})
        ]
        assert not stores.changes_of(lambda: categories.update("bars", rename))
        assert stores.changes_of(lambda: categories.delete("bars")) == [
            ("category.deleted", None),
            ("category.updated", {"parent": ["bars", "food"]}),
        ]

    def test_links_to_categories(self, stores: EventStores) -> None:
        for name in ("Food", "Bars"):
            stores.categories.create(CategoryDraft(name=name), NOON)
        stores.categories.link(EGG, "food")
        link = [("product.updated", {"categories": [["food"], ["bars", "food"]]})]
        assert stores.changes_of(lambda: stores.categories.link(EGG, "bars")) == link
        assert not stores.changes_of(lambda: stores.categories.link(EGG, "bars"))
        unlink = [("product.updated", {"categories": [["bars", "food"], ["bars"]]})]
        assert stores.changes_of(lambda: stores.categories.unlink(EGG, "food")) == unlink
        assert not stores.changes_of(lambda: stores.categories.unlink(EGG, "food"))

    def test_reviews_name_the_product_only(self, stores: EventStores) -> None:
        draft = ReviewDraft(reviewer_name="Ada L.", rating=5, comment="Secret words")

        def write() -> None:
            review = stores.reviews.create(EGG, draft, NOON)
            assert stores.reviews.create(EGG, draft, NOON) == review
            for _ in range(2):
                stores.reviews.verify(review.id, is_verified=True)
            for _ in range(2):
                stores.reviews.delete(review.id)

        events = stores.events_of(write)
        assert [(event.type.value, event.changes) for event in events] == [
            ("review.submitted", None),
            ("review.verified", {"is_verified": [False, True]}),
            ("review.deleted", None),
        ]
        for event in events:
            assert (event.subject.slug, event.subject.name) == (EGG, "Egg White")
            assert "Ada" not in repr(event)
            assert "Secret" not in repr(event)

    # Imports

    def test_an_import_is_one_batch(self, stores: EventStores) -> None:
        stores.categories.create(CategoryDraft(name="Food"), NOON)
        variant = VariantDraft(options={"Size": "S"}, price=Decimal("3.00"), position=0)
        new = make_draft(slug="new", name="New")

        def write() -> None:
            with writing_as(ADA), stores.products.begin_import() as session:
                id_ = stores.products.get(EGG).id
                before = session.get_products([id_])[id_].product
                after = evolve(before, brand="Hen", version=2, updated_at=LATER)
                session.write_products([new], [(before, after)], LATER)
                session.write_variants([("new", variant)], [])
                session.create_categories([CategoryDraft(name="Bars", slug="bars")], LATER)
                session.set_categories({EGG: ["food"], "new": ["food", "bars"]})
                session.set_stock({(id_, None): 9})
                session.commit("shopify")

        events = stores.events_of(write)
        assert [(event.type.value, event.subject.slug, event.changes) for event in events] == [
            ("product.created", "new", None),
            ("product.updated", EGG, {"brand": [None, "Hen"]}),
            ("variant.created", "new", None),
            ("category.created", "bars", None),
            ("product.updated", EGG, {"categories": [[], ["food"]]}),
            ("product.stock_changed", EGG, {"stock_quantity": [5, 9]}),
            ("import.completed", "", None),
        ]
        assert {event.origin for event in events} == {ADA}
        [batch_id] = {event.batch_id for event in events}
        completed = events[-1].subject
        assert (completed.id, completed.name) == (batch_id, "shopify")
        assert events[0].subject.id == stores.products.get("new").id
        assert stores.log.get_batch(batch_id).event_count == 7

    def test_an_import_that_is_not_committed_has_no_events(self, stores: EventStores) -> None:
        def write() -> None:
            with stores.products.begin_import() as session:
                session.write_products([make_draft(slug="new")], [], NOON)

        assert not stores.events_of(write)

    def test_an_import_without_changes_has_no_events(self, stores: EventStores) -> None:
        def write() -> None:
            with stores.products.begin_import() as session:
                session.set_stock({(stores.products.get(EGG).id, None): 5})
                session.commit()

        assert not stores.events_of(write)

    def test_an_import_in_chunks_is_one_batch(self, stores: EventStores) -> None:
        after = stores.log.list(EventQuery(after=LATEST)).next_position
        with writing_as(ADA) as context, stores.products.begin_import() as session:
            session.write_products([make_draft(slug="one")], [], NOON)
            session.commit_chunk()
            first = stores.events(after=after)
            session.write_products([make_draft(slug="two")], [], NOON)
            session.commit_chunk()
            session.commit()
        assert [event.subject.slug for event in first] == ["one"]
        events = stores.events(after=after)
        assert [event.subject.slug for event in events] == ["one", "two", ""]
        assert {event.batch_id for event in events} == {context.batch_id}
        assert events == stores.events(batch=context.batch_id)
        assert stores.log.get_batch(context.batch_id or 0).event_count == 3
        assert [batch.id for batch in stores.log.list_batches(BatchQuery(limit=1))] == [
            context.batch_id
        ]

    def test_an_import_of_many_products(self, stores: EventStores) -> None:
        drafts = [make_draft(slug=f"p-{n}", name=f"Product {n}") for n in range(1500)]
        after = stores.log.list(EventQuery(after=LATEST)).next_position
        with stores.products.begin_import() as session:
            session.write_products(drafts, [], NOON)
            session.commit()
        events = stores.log.list(EventQuery(after=after, limit=2000)).items
        slugs = [draft.slug for draft in drafts]
        assert [event.subject.slug for event in events] == [*slugs, ""]
        assert len({event.batch_id for event in events}) == 1

    def test_released_skus_are_part_of_the_change(self, stores: EventStores) -> None:
        stores.update(sku="A")
        draft = VariantDraft(options={"Size": "S"}, price=Decimal("3.00"), sku="V")
        variant = stores.variants.create(EGG, draft, NOON)
        other = stores.variants.create(EGG, evolve(draft, options={"Size": "M"}, sku="W"), NOON)
        id_ = stores.products.get(EGG).id

        def write() -> None:
            with stores.products.begin_import() as session:
                session.release_skus([id_], [variant.id, other.id])
                before = session.get_products([id_])[id_].product
                released = {variant.id: variant for variant in before.variants}
                after = evolve(before, sku="B", version=before.version + 1)
                session.write_products([], [(before, after)], NOON)
                pair = released[variant.id], evolve(released[variant.id], sku="X")
                session.write_variants([], [(EGG, *pair)])
                session.commit()

        events = stores.changes_of(write)
        assert ("product.updated", {"sku": ["A", "B"]}) in events
        assert ("variant.updated", {"sku": ["V", "X"]}) in events
        assert ("variant.updated", {"sku": ["W", None]}) in events
        assert len(events) == 4

    def test_a_variant_that_is_deleted_keeps_no_event_of_its_sku(self, stores: EventStores) -> None:
        draft = VariantDraft(options={"Size": "S"}, price=Decimal("3.00"), sku="V")
        variant = stores.variants.create(EGG, draft, NOON)
        product_id = stores.products.get(EGG).id

        def write() -> None:
            with stores.products.begin_import() as session:
                session.release_skus([], [variant.id])
                session.delete_variants([product_id])
                session.commit()

        deleted, completed = stores.events_of(write)
        assert (deleted.type, deleted.version) == (EventType.VARIANT_DELETED, 3)
        assert completed.type is EventType.IMPORT_COMPLETED

    # Reading

    def test_history_of_a_product(self, stores: EventStores) -> None:
        stores.products.create(make_draft(slug="other"), NOON)
        draft = VariantDraft(options={}, price=Decimal("3.00"))
        stores.variants.create(EGG, draft, NOON)
        stores.update(name="Renamed", slug="renamed")
        types = ["product.created", "variant.created", "product.updated"]
        for slug in ("renamed", EGG):  # the former slug too
            assert [event.type for event in stores.events(product=slug)] == types
            newest = stores.events(product=slug, order=Order.DESCENDING)
            assert [event.type for event in newest] == types[::-1]
        stores.products.delete("renamed", lambda _: None)
        assert [event.type for event in stores.events(product="renamed")] == [
            *types,
            "product.deleted",
        ]
        assert not stores.events(product="missing")

    def test_filters(self, stores: EventStores) -> None:
        with writing_as(ADA):
            stores.update(name="New")
            stores.products.set_stock(EGG, 9)
        created, updated, stocked = stores.events()
        assert stores.events(actor="token:Ada") == [updated, stocked]
        assert stores.events(source=Source.LIBRARY) == [created]
        assert stores.events(batch=updated.batch_id) == [updated]
        assert stores.events(types=(updated.type, created.type)) == [created, updated]
        assert stores.events(since=updated.at) == [updated, stocked]
        assert stores.events(until=updated.at) == [created]
        assert stores.events(order=Order.DESCENDING) == [stocked, updated, created]
        assert not stores.events(actor="Ada", order=Order.DESCENDING)

    def test_a_consumer_continues_from_its_position(self, stores: EventStores) -> None:
        page = stores.log.list(EventQuery())
        assert len(page.items) == 1
        assert page.next_position is not None
        query = EventQuery(after=page.next_position)
        assert stores.log.list(query) == evolve(page, items=())
        stores.update(name="New")
        [event] = stores.log.list(query).items
        assert event.type is EventType.PRODUCT_UPDATED
        latest = stores.log.list(EventQuery(after=LATEST))
        assert latest.items == ()
        assert latest.next_position is not None
        assert not stores.log.list(EventQuery(after=latest.next_position)).items

    def test_a_position_within_a_batch(self, stores: EventStores) -> None:
        stores.update(name="New", stock_quantity=1)
        first, second, third = stores.events()
        page = stores.log.list(EventQuery(limit=2))
        assert page.items == (first, second)
        assert page.next_position is not None
        assert stores.log.list(EventQuery(after=page.next_position)).items == (third,)
        parsed = LogPosition.parse(page.next_position.cursor)
        assert parsed == page.next_position

    def test_batches(self, stores: EventStores) -> None:
        with writing_as(ADA):
            stores.update(name="New", stock_quantity=1)
        newest, oldest = stores.log.list_batches(BatchQuery())
        assert (newest.origin, newest.event_count) == (ADA, 2)
        assert stores.log.list_batches(BatchQuery(source=Source.HTTP)) == (newest,)
        assert stores.log.list_batches(BatchQuery(before=newest.id)) == (oldest,)
        assert stores.log.list_batches(BatchQuery(limit=1)) == (newest,)
        assert stores.log.get_batch(newest.id) == newest
        with pytest.raises(NotFoundError):
            stores.log.get_batch(newest.id + 1)

    # Retention

    def test_prune(self, stores: EventStores) -> None:
        for name in ("One", "Two", "Three"):
            stores.update(name=name)
        events = stores.events()
        start = stores.log.list(EventQuery(limit=1)).next_position
        assert start is not None
        assert stores.log.prune(events[2].at, limit=1) == 1
        assert stores.log.prune(events[2].at, limit=10) == 1
        assert stores.log.prune(events[2].at, limit=10) == 0
        assert stores.events() == events[2:]
        with pytest.raises(GoneError, match="retention"):
            stores.log.list(EventQuery(after=start))
        with pytest.raises(GoneError, match="retention"):
            stores.log.list(EventQuery(after=START))
        with pytest.raises(GoneError):
            stores.log.get_batch(events[0].batch_id)
        later = events[-1].at + timedelta(days=1)
        assert stores.log.prune(later, limit=10) == 1
        assert stores.events() == events[3:]  # the last batch stays

    def test_a_position_ahead_of_the_log(self, stores: EventStores) -> None:
        with pytest.raises(GoneError, match="ahead"):
            stores.log.list(EventQuery(after=LogPosition(10**9)))
