"""Events: the records of what writes changed, the changes of each field, and queries."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

from attrs import frozen

from eggypro_core.domain.category import Category
from eggypro_core.domain.field_definition import Converters, FieldDefinition, FieldType
from eggypro_core.domain.origin import Origin
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant

MAX_SHORT_TEXT: Final = 500
"""The length up to which texts are stored completely on both sides of a change."""
START_LENGTH: Final = 100
"""The length of the start of a long value."""
STOCK_FIELD: Final = "stock_quantity"
Change: TypeAlias = "Sequence[Any] | Mapping[str, Any]"
"""The value of a field before and after, as JSON; a map for long values: see `long_change`."""
Changes: TypeAlias = Mapping[str, Change]


class EventType(StrEnum):
    """The type of an event: the kind of its subject, and what happened to it."""

    PRODUCT_CREATED = "product.created"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_ARCHIVED = "product.archived"
    PRODUCT_RESTORED = "product.restored"
    PRODUCT_DELETED = "product.deleted"
    PRODUCT_STOCK_CHANGED = "product.stock_changed"
    VARIANT_CREATED = "variant.created"
    VARIANT_UPDATED = "variant.updated"
    VARIANT_DELETED = "variant.deleted"
    VARIANT_STOCK_CHANGED = "variant.stock_changed"
    CATEGORY_CREATED = "category.created"
    CATEGORY_UPDATED = "category.updated"
    CATEGORY_ARCHIVED = "category.archived"
    CATEGORY_RESTORED = "category.restored"
    CATEGORY_DELETED = "category.deleted"
    REVIEW_SUBMITTED = "review.submitted"
    REVIEW_VERIFIED = "review.verified"
    REVIEW_DELETED = "review.deleted"
    IMPORT_COMPLETED = "import.completed"
    BULK_COMPLETED = "bulk.completed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_UPDATED = "webhook.updated"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_DISABLED = "webhook.disabled"

    @property
    def subject_type(self) -> str:
        """Return the kind of the subject, such as `product`."""
        return self.value.partition(".")[0]


STOCK_TYPES = frozenset({EventType.PRODUCT_STOCK_CHANGED, EventType.VARIANT_STOCK_CHANGED})


@frozen
class Subject:
    """The thing that an event is about.

    A variant and a review have the slug and the name of their product. `product_id` is the id of
    that product, or of the product itself. Imports, keys and webhooks have no slug. The id 0 stands
    for that of the batch, which only the store knows.
    """

    id: int
    slug: str
    name: str
    product_id: int | None = None

    @classmethod
    def of_product(cls, product: Product) -> "Subject":
        """Return a product as a subject."""
        return cls(product.id, product.slug, product.name, product.id)


@frozen
class EventDraft:
    """An event that is not stored yet. A created or deleted thing has no changes."""

    type: EventType
    subject: Subject
    version: int | None = None
    changes: Changes | None = None


@frozen
class Event:
    """A stored event. Events of a batch have the ids of their order."""

    id: int
    batch_id: int
    at: datetime
    origin: Origin
    type: EventType
    subject: Subject
    version: int | None
    changes: Changes | None


# Changes


def _image_values(images: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"ref": image.ref, "alt": image.alt} for image in images]


_JSON: Converters = {
    FieldType.MONEY: str,
    FieldType.TEXT_LIST: list,
    FieldType.TEXT_MAP: dict,
    FieldType.IMAGES: _image_values,
}
_FROM_JSON: Converters = {
    FieldType.MONEY: Decimal,
    FieldType.TEXT_LIST: tuple,
    FieldType.TEXT_MAP: dict,
    FieldType.IMAGES: lambda images: tuple(Image(**image) for image in images),
}
_LONG_TYPES = {FieldType.IMAGES}
_LONG_FIELDS = {"attributes"}


def long_change(before: object, after: object) -> Mapping[str, Any]:
    """Return the change of a long value: the former value, and a digest of the new one."""
    return {"before": before, "after": {**summary_of(after), "digest": digest_of(after)}}


def summary_of(value: object) -> dict[str, Any]:
    """Return the length and the start of a long value; of a list or map, those of its JSON."""
    text = value if isinstance(value, str) else _encode(value)
    return {"length": len(text), "start": text[:START_LENGTH]}


def digest_of(value: object) -> str:
    """Return the digest of a value, by which a later value is compared with it."""
    return sha256(_encode(value).encode()).hexdigest()


def change_of(definition: FieldDefinition, before: object, after: object) -> Change:
    """Return the change of a field as JSON values."""
    values = [to_json(definition, value) for value in (before, after)]
    is_long = (
        definition.type in _LONG_TYPES
        or definition.name in _LONG_FIELDS
        or any(isinstance(value, str) and len(value) > MAX_SHORT_TEXT for value in values)
    )
    return long_change(*values) if is_long else values


def shown_change(change: Change) -> Sequence[Any]:
    """Return the values before and after as they are shown; of long ones, the summaries."""
    if not isinstance(change, Mapping):
        return change
    after = {name: change["after"][name] for name in ("length", "start")}
    return [summary_of(change["before"]), after]


def field_changes(
    definitions: Iterable[FieldDefinition], before: object, after: object
) -> dict[str, Change]:
    """Return the changes of the fields that differ. The order of the attributes counts."""
    changes: dict[str, Change] = {}
    for definition in definitions:
        old, new = getattr(before, definition.name), getattr(after, definition.name)
        if old != new or (definition.type is FieldType.TEXT_MAP and [*old] != [*new]):
            changes[definition.name] = change_of(definition, old, new)
    return changes


def merged_changes(events: Iterable["Event"]) -> dict[str, Change]:
    """Return the changes of one thing by several events in order, as those of a single event."""
    merged: dict[str, Change] = {}
    for event in events:
        for name, change in (event.changes or {}).items():
            first = merged.get(name, change)
            before = first["before"] if isinstance(first, Mapping) else first[0]
            if isinstance(change, Mapping):
                merged[name] = {"before": before, "after": change["after"]}
            else:
                merged[name] = [before, change[1]]
    return merged


def former_value(change: Change) -> Any:
    """Return the value before a change, as JSON."""
    return change["before"] if isinstance(change, Mapping) else change[0]


def is_written_value(change: Change, value: object) -> bool:
    """Return whether a JSON value is the one that a change has written."""
    if isinstance(change, Mapping):
        return bool(change["after"]["digest"] == digest_of(value))
    return bool(change[1] == value)


def to_json(definition: FieldDefinition, value: Any) -> Any:
    """Return the value of a field as it is stored in changes."""
    converter = _JSON.get(definition.type)
    return value if converter is None or value is None else converter(value)


def from_json(definition: FieldDefinition, value: Any) -> Any:
    """Return the value of a field from its stored form."""
    converter = _FROM_JSON.get(definition.type)
    return value if converter is None or value is None else converter(value)


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Events of writes

_EDITORIAL_FIELDS = [item for item in PRODUCT_FIELDS if item.name != STOCK_FIELD]
_VARIANT_EDITORIAL_FIELDS = [item for item in VARIANT_FIELDS if item.name != STOCK_FIELD]


def product_created(product: Product) -> EventDraft:
    """Return the event of a new product."""
    return EventDraft(
        EventType.PRODUCT_CREATED, Subject.of_product(product), version=product.version
    )


def product_changed(before: Product, after: Product) -> list[EventDraft]:
    """Return the events of a changed product: at most one of its fields, and one of its stock."""
    subject = Subject.of_product(after)
    changes = field_changes(_EDITORIAL_FIELDS, before, after)
    events = []
    if changes:
        kind = _status_type(
            (EventType.PRODUCT_UPDATED, EventType.PRODUCT_ARCHIVED, EventType.PRODUCT_RESTORED),
            was_active=before.is_active,
            is_active=after.is_active,
        )
        events.append(EventDraft(kind, subject, after.version, changes))
    if before.stock_quantity != after.stock_quantity:
        events.append(
            stock_changed(subject, before.stock_quantity, after.stock_quantity, after.version)
        )
    return events


def categories_changed(
    subject: Subject, before: Iterable[str], after: Iterable[str], version: int | None = None
) -> list[EventDraft]:
    """Return the event of a product in other categories, given by slug; none if they are equal."""
    values = [sorted(before), sorted(after)]
    if values[0] == values[1]:
        return []
    return [EventDraft(EventType.PRODUCT_UPDATED, subject, version, {"categories": values})]


def stock_changed(
    subject: Subject,
    before: int,
    after: int,
    version: int | None = None,
    *,
    of_variant: bool = False,
) -> EventDraft:
    """Return the event of a changed stock."""
    kind = EventType.VARIANT_STOCK_CHANGED if of_variant else EventType.PRODUCT_STOCK_CHANGED
    return EventDraft(kind, subject, version, {STOCK_FIELD: [before, after]})


def product_deleted(subject: Subject) -> EventDraft:
    """Return the event of a product that was deleted with its variants and reviews."""
    return EventDraft(EventType.PRODUCT_DELETED, subject)


def variant_subject(product: Subject, variant_id: int, options: Mapping[str, str]) -> Subject:
    """Return a variant as a subject: `Whey (Size: 1 kg)`, with the slug of its product."""
    text = ", ".join(f"{name}: {value}" for name, value in options.items())
    name = f"{product.name} ({text})" if text else product.name
    return Subject(variant_id, product.slug, name, product.product_id)


def variant_created(
    product: Subject, variant_id: int, options: Mapping[str, str], version: int
) -> EventDraft:
    """Return the event of a new variant."""
    subject = variant_subject(product, variant_id, options)
    return EventDraft(EventType.VARIANT_CREATED, subject, version)


def variant_changed(product: Subject, before: Variant, after: Variant) -> list[EventDraft]:
    """Return the events of a changed variant: at most one of its fields, and one of its stock."""
    subject = variant_subject(product, after.id, after.options)
    changes = field_changes(_VARIANT_EDITORIAL_FIELDS, before, after)
    events = []
    if changes:
        events.append(EventDraft(EventType.VARIANT_UPDATED, subject, after.version, changes))
    if before.stock_quantity != after.stock_quantity:
        quantities = before.stock_quantity, after.stock_quantity
        events.append(stock_changed(subject, *quantities, after.version, of_variant=True))
    return events


def variant_deleted(
    product: Subject, variant_id: int, options: Mapping[str, str], version: int
) -> EventDraft:
    """Return the event of a deleted variant."""
    subject = variant_subject(product, variant_id, options)
    return EventDraft(EventType.VARIANT_DELETED, subject, version)


def category_created(category_id: int, slug: str, name: str) -> EventDraft:
    """Return the event of a new category."""
    return EventDraft(EventType.CATEGORY_CREATED, Subject(category_id, slug, name))


def category_moved(
    category_id: int, slug: str, name: str, before: str, after: str | None
) -> EventDraft:
    """Return the event of a category whose parent was deleted; parents are slugs."""
    subject = Subject(category_id, slug, name)
    return EventDraft(EventType.CATEGORY_UPDATED, subject, changes={"parent": [before, after]})


def category_changed(before: Category, after: Category) -> list[EventDraft]:
    """Return the event of a changed category; none if no field differs."""
    changes: dict[str, Change] = {}
    for name in ("name", "slug", "description", "parent", "is_active"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            is_long = any(isinstance(v, str) and len(v) > MAX_SHORT_TEXT for v in (old, new))
            changes[name] = long_change(old, new) if is_long else [old, new]
    if not changes:
        return []
    kind = _status_type(
        (EventType.CATEGORY_UPDATED, EventType.CATEGORY_ARCHIVED, EventType.CATEGORY_RESTORED),
        was_active=before.is_active,
        is_active=after.is_active,
    )
    return [EventDraft(kind, _category_subject(after), changes=changes)]


def category_deleted(category: Category) -> EventDraft:
    """Return the event of a category that was deleted permanently."""
    return EventDraft(EventType.CATEGORY_DELETED, _category_subject(category))


def review_event(
    kind: EventType, review_id: int, product: Subject, changes: Changes | None = None
) -> EventDraft:
    """Return the event of a review: it names the product, and nothing that the reviewer wrote."""
    subject = Subject(review_id, product.slug, product.name, product.product_id)
    return EventDraft(kind, subject, changes=changes)


def key_event(kind: EventType, key_id: int, name: str) -> EventDraft:
    """Return the event of an API key."""
    return EventDraft(kind, Subject(key_id, "", name))


def _category_subject(category: Category) -> Subject:
    return Subject(category.id, category.slug, category.name)


def _status_type(
    types: tuple[EventType, EventType, EventType], *, was_active: bool, is_active: bool
) -> EventType:
    """Return the type of an update, of an archival or of a restoration."""
    updated, archived, restored = types
    if was_active == is_active:
        return updated
    return restored if is_active else archived
