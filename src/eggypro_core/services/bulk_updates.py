"""BulkUpdateService: change many products at once."""

from collections.abc import Mapping, Sequence
from itertools import islice

from attrs import evolve, frozen

from eggypro_core.domain.bulk_update import (
    MAX_BULK_OFFERS,
    BulkChange,
    BulkReport,
    BulkUpdate,
    apply_bulk_update,
)
from eggypro_core.domain.category import categories_not_found
from eggypro_core.domain.event import EventType
from eggypro_core.domain.origin import Source, writing_for
from eggypro_core.domain.product_files import StoredProduct
from eggypro_core.errors import ConflictError, FieldError, SlugMovedError, ValidationError
from eggypro_core.ports import Clock, ImportSession, ProductStore
from eggypro_core.validation.parameters import Status

MAX_REPORTED_CHANGES = 1000
MAX_REPORTED_ERRORS = 100


@frozen
class BulkUpdateService:
    """Apply one change to many products, in one transaction and one batch of events."""

    _products: ProductStore
    _clock: Clock
    _max_offers: int = MAX_BULK_OFFERS
    """The most products and variants of an update, together."""

    def run(self, values: Mapping[str, object]) -> BulkReport:
        """Update the products that `values`, the JSON fields of a request, select.

        Nothing is stored if one product cannot be changed, or in a dry run. Raises ValidationError
        with all errors, NotFoundError for an unknown slug, ConflictError if the number of products
        is not the expected one, and UnavailableError.
        """
        update = BulkUpdate.parse(values)
        with (
            writing_for(source=Source.BULK) as context,
            self._products.begin_import() as session,
        ):
            ids = self._find_ids(session, update)
            if update.expected not in {None, len(ids)}:
                raise ConflictError(
                    f"The update matches {len(ids)} products, and not the expected"
                    f" {update.expected}. Repeat the dry run.",
                    code="count-mismatch",
                )
            session.lock_products(ids)
            changes = self._changes(session, update, list(session.get_products(ids).values()))
            if not update.dry_run:
                _write(session, changes)
                session.commit("bulk update", EventType.BULK_COMPLETED)
        return BulkReport(
            context.batch_id if changes and not update.dry_run else None,
            len(ids),
            len(changes),
            tuple((c.after.slug, c.fields()) for c in changes[:MAX_REPORTED_CHANGES]),
            tuple(islice((w for c in changes for w in c.warnings), MAX_REPORTED_CHANGES)),
            update.dry_run,
        )

    def _find_ids(self, session: ImportSession, update: BulkUpdate) -> Sequence[int]:
        """Return the ids of the selected products, in order."""
        if update.query is None:
            current = session.find_product_ids(update.slugs)
            return sorted({current.get(slug) or self._id_of(slug) for slug in update.slugs})
        ids, offers = [], 0
        with self._products.export_products(update.query) as snapshot:
            for product in snapshot.products:
                ids.append(product.id)
                offers += 1 + len(product.variants)
                if offers > self._max_offers:
                    page = self._products.list(evolve(update.query, limit=1))
                    count = f"{page.total:,}{' or more' if page.total_capped else ''}"
                    raise self._too_many(count)
        return sorted(ids)

    def _id_of(self, slug: str) -> int:
        """Return the id of the product with a former slug. Raises NotFoundError."""
        try:
            return self._products.get(slug, Status.ALL).id
        except SlugMovedError as moved:
            return self._products.get(moved.slug, Status.ALL).id

    def _changes(
        self, session: ImportSession, update: BulkUpdate, products: Sequence[StoredProduct]
    ) -> Sequence[BulkChange]:
        """Return the effects on the products that change. Raises ValidationError."""
        if sum(1 + len(stored.product.variants) for stored in products) > self._max_offers:
            raise self._too_many(f"{len(products):,}")
        known = {draft.slug for draft in session.list_categories()}
        unknown = [slug for slug in update.add_categories if slug not in known]
        if unknown:
            raise categories_not_found(unknown)
        now, changes = self._clock(), []
        errors: list[FieldError] = []
        for stored in products:
            try:
                changes.append(apply_bulk_update(update, stored, now))
            except ValidationError as invalid:
                errors += invalid.errors
        if errors:
            raise ValidationError(errors[:MAX_REPORTED_ERRORS])
        return [change for change in changes if change.is_change]

    def _too_many(self, count: str) -> ValidationError:
        message = f"More than {self._max_offers:,} products and variants match ({count} products)"
        return ValidationError([FieldError("filter", message)])


def _write(session: ImportSession, changes: Sequence[BulkChange]) -> None:
    pairs = [
        (change.before, change.after) for change in changes if change.after is not change.before
    ]
    variants = [(change.after.slug, *pair) for change in changes for pair in change.variants]
    categories = {
        change.after.slug: change.categories for change in changes if change.categories is not None
    }
    if pairs:
        session.write_products([], pairs, pairs[0][1].updated_at)
    if variants:
        session.write_variants([], variants)
    if categories:
        session.set_categories(categories)
