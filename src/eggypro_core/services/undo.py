"""BatchUndo: take back an import or a bulk update."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime

from attrs import evolve, frozen

from eggypro_core.domain.category import Category
from eggypro_core.domain.event import Event, EventType
from eggypro_core.domain.event_query import MAX_EVENT_LIMIT, Batch, EventQuery
from eggypro_core.domain.origin import Source, writing_for
from eggypro_core.domain.undo import (
    DELETED,
    KeptChange,
    ProductUndo,
    Restrictions,
    UndoReport,
    restore_category,
)
from eggypro_core.errors import ConflictError, FieldError, NotFoundError, ValidationError
from eggypro_core.ports import CategoryStore, EventLog, ImportSession, ProductStore

MAX_SUBJECTS = 10_000
"""The most things that an undo over HTTP takes back: it is one request."""
_UNDONE_KINDS = frozenset({"product", "variant", "category"})
_SOURCES = frozenset({Source.IMPORT, Source.BULK})


@frozen
class BatchUndo:
    """Take back a batch in one transaction, which is a batch itself."""

    _log: EventLog
    _products: ProductStore
    _categories: CategoryStore

    def run(
        self, batch_id: int, now: datetime, *, dry_run: bool, max_subjects: int | None
    ) -> UndoReport:
        """Undo a batch. Raises like `EventService.undo`."""
        batch = self._log.get_batch(batch_id)
        events = [event for event in self._events(batch) if _is_undone(event)]
        if batch.origin.source not in _SOURCES or not events:
            raise ConflictError(
                f"Batch {batch.id} cannot be undone: only imports and bulk updates that changed"
                " products can",
                code="not-undoable",
            )
        subjects = {(event.type.subject_type, event.subject.id) for event in events}
        if max_subjects is not None and len(subjects) > max_subjects:
            message = (
                f"The batch changed {len(subjects):,} things, more than {max_subjects:,}:"
                f" run `eggypro undo {batch.id}`"
            )
            raise ValidationError([FieldError("batch", message)])
        touched = self._log.find_touched(batch.id)
        with writing_for(source=batch.origin.source, reason=f"undo of {batch.id}") as context:
            with self._products.begin_import() as session:
                report = _undo(session, self._categories, events, touched, now, dry_run=dry_run)
                if not dry_run:
                    session.commit("undo", None)
            return report if dry_run else evolve(report, batch=context.batch_id)

    def _events(self, batch: Batch) -> Iterator[Event]:
        query = EventQuery(batch=batch.id, limit=MAX_EVENT_LIMIT)
        while True:
            page = self._log.list(query)
            yield from page.items
            if len(page.items) < query.limit or page.next_position is None:
                return
            query = query.from_position(page.next_position)


def _is_undone(event: Event) -> bool:
    return event.type.subject_type in _UNDONE_KINDS


def _undo(
    session: ImportSession,
    categories: CategoryStore,
    events: Sequence[Event],
    touched: Collection[tuple[str, int]],
    now: datetime,
    *,
    dry_run: bool,
) -> UndoReport:
    """Compute the undo on locked products, and write it unless it is a dry run."""
    undos = [
        ProductUndo(group[0].subject.slug, group, touched)
        for group in _grouped(events, lambda event: event.subject.product_id)
    ]
    ids = sorted({undo.events[0].subject.product_id or 0 for undo in undos})
    session.lock_products(ids)
    stored = session.get_products(ids)
    restrictions = _restrictions(session, undos)
    for undo in undos:
        undo.plan(stored.get(undo.events[0].subject.product_id or 0), restrictions)
    kept = [change for undo in undos for change in undo.kept]
    reverted = sum(undo.changed_count for undo in undos)
    if not dry_run:
        _write(session, [undo for undo in undos if undo.is_change], now)
    for group in _grouped(events, _category_id):
        kept_fields, is_changed = _undo_category(
            session, categories, group, touched, dry_run=dry_run
        )
        kept += kept_fields
        reverted += is_changed
    return UndoReport(None, reverted, tuple(kept), dry_run)


def _grouped(
    events: Iterable[Event], key: Callable[[Event], int | None]
) -> Sequence[Sequence[Event]]:
    groups: dict[int, list[Event]] = {}
    for event in events:
        number = key(event)
        if number is not None:
            groups.setdefault(number, []).append(event)
    return list(groups.values())


def _category_id(event: Event) -> int | None:
    return event.subject.id if event.type.subject_type == "category" else None


def _restrictions(session: ImportSession, undos: Sequence[ProductUndo]) -> Restrictions:
    """Return what former values the products cannot have. Products of the undo may swap SKUs."""
    own_ids = {undo.events[0].subject.product_id for undo in undos}
    owners = {
        str(slug): undo.events[0].subject.product_id
        for undo in undos
        for slug in undo.former_values("slug")
    }
    holders = session.find_product_ids(list(owners))
    skus = {str(sku) for undo in undos for sku in undo.former_values("sku") if sku is not None}
    sku_holders = session.find_sku_holders(skus)
    images = {
        image["ref"]
        for undo in undos
        for former in undo.former_values("images")
        if isinstance(former, list)
        for image in former
    }
    attachable = session.find_attachable_images(images) if images else ()
    return Restrictions(
        taken_slugs={slug for slug, holder in holders.items() if holder != owners[slug]},
        released_skus=skus,
        taken_skus={sku for sku, holder in sku_holders.items() if holder.product_id not in own_ids},
        missing_images=images - {*attachable},
        categories={str(draft.slug) for draft in session.list_categories()},
    )


def _write(session: ImportSession, undos: Sequence[ProductUndo], now: datetime) -> None:
    pairs = [
        (undo.before, evolve(undo.after, version=undo.before.version + 1, updated_at=now))
        for undo in undos
        if undo.before is not None
        and undo.after is not None
        and (undo.after != undo.before or undo.variants)
    ]
    variants = [
        (undo.slug if undo.after is None else undo.after.slug, *pair)
        for undo in undos
        for pair in undo.variants
    ]
    session.release_skus(
        [before.id for before, after in pairs if before.sku != after.sku],
        [before.id for _, before, after in variants if before.sku != after.sku],
    )
    if pairs:
        session.write_products([], pairs, now)
    if variants:
        session.write_variants([], variants)
    categories = {
        undo.after.slug: undo.categories
        for undo in undos
        if undo.categories is not None and undo.after is not None
    }
    if categories:
        session.set_categories(categories)


def _undo_category(
    session: ImportSession,
    categories: CategoryStore,
    events: Sequence[Event],
    touched: Collection[tuple[str, int]],
    *,
    dry_run: bool,
) -> tuple[list[KeptChange], bool]:
    """Take back the changes of a category; return what is kept, and whether it changes."""
    subject = events[-1].subject
    is_touched = ("category", subject.id) in touched
    try:
        category = categories.get(subject.slug)
    except NotFoundError:
        return [KeptChange(subject.slug, "", DELETED)], False
    if category.id != subject.id or events[-1].type is EventType.CATEGORY_DELETED:
        return [KeptChange(subject.slug, "", DELETED)], False
    after, kept = restore_category(category, events, is_touched=is_touched)
    if after == category:
        return kept, False
    if not dry_run:

        def change(current: Category) -> Category:
            return restore_category(current, events, is_touched=is_touched)[0]

        session.update_category(category.slug, change)
    return kept, True
