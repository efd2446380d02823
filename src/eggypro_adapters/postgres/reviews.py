"""Review store in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from attrs import asdict, frozen

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.event_writer import record_events
from eggypro_adapters.postgres.product_keys import missing_product_error, missing_product_error_in
from eggypro_adapters.postgres.rollups import refresh_rating
from eggypro_adapters.postgres.schema import products, reviews
from eggypro_core.domain.event import Changes, EventType, Subject, review_event
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import product_not_found
from eggypro_core.domain.review import (
    Review,
    ReviewDraft,
    ReviewQuery,
    ReviewStatus,
    review_not_found,
)

_COLUMN_NAMES = (
    "id",
    "reviewer_name",
    "reviewer_image_url",
    "rating",
    "comment",
    "image_url",
    "video_url",
    "is_verified",
    "created_at",
)
_REVIEW_COLUMNS = [reviews.c[name] for name in _COLUMN_NAMES]
_position = (reviews.c.created_at, reviews.c.id)
_slug = sa.bindparam("slug", type_=sa.Text)
_id = sa.bindparam("review_id", type_=sa.Integer)
_LOCK_PRODUCT = sa.select(
    products.c.id, products.c.is_active, products.c.slug, products.c.name
).with_for_update()
_FIND = (
    sa.select(products.c.slug, *_REVIEW_COLUMNS)
    .join_from(reviews, products)
    .where(reviews.c.id == _id)
)


@frozen
class PostgresReviewStore:
    """Store reviews in Postgres. A read is one statement, a write one transaction.

    A write locks the product first, so that its rating counts all its verified reviews.
    """

    _database: Database

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        values = {"slug": query.product, **keyset.page_values(query)}
        rows = self._database.fetch(_page(query), values)
        if query.product is not None:
            self._require_active(query.product, rows)
        review_rows = [row[2:] for row in rows if row[3] is not None]
        return Page.from_rows(query, review_rows, total=rows[0][0], item_of=_review_from_row)

    def create(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        return self._database.run_transaction(
            lambda connection: _create(connection, slug, draft, at)
        )

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        return self._database.run_transaction(
            lambda connection: _verify(connection, review_id, is_verified=is_verified)
        )

    def delete(self, review_id: int) -> bool:
        return self._database.run_transaction(lambda connection: _delete(connection, review_id))

    def _require_active(self, slug: str, rows: Sequence[Sequence[Any]]) -> None:
        """Raise NotFoundError or SlugMovedError unless the rows are of an active product."""
        if not rows:
            raise missing_product_error(self._database, slug)
        if not rows[0][1]:
            raise product_not_found(slug)


def _review_from_row(row: Sequence[Any]) -> Review:
    """Return the review of a row of the product's slug and _REVIEW_COLUMNS."""
    slug, *values = row
    return Review(product=slug, **dict(zip(_COLUMN_NAMES, values, strict=True)))


def _page(query: ReviewQuery) -> CompiledStatement:
    """Return the statement of a page: total, whether the product is active, slug and review."""
    after = query.after is not None
    if query.product is not None:
        return _product_reviews(after=after)
    return _moderation_queue(query.status, after=after)


@cache
def _product_reviews(*, after: bool) -> CompiledStatement:
    is_public = sa.and_(reviews.c.product_id == products.c.id, reviews.c.is_verified)
    rows = keyset.page_rows(
        sa.select(*_REVIEW_COLUMNS).where(is_public), _position, after=after, descending=True
    )
    page = rows.correlate(products).lateral()
    # Joined, since a scalar subquery would be computed for each row.
    total = keyset.total_of(reviews, is_public, within=products).lateral()
    return CompiledStatement.compile(
        sa.select(total.c.total, products.c.is_active, products.c.slug, *page.c)
        .select_from(products.join(total, sa.true()).outerjoin(page, sa.true()))
        .where(products.c.slug == _slug)
        .order_by(*keyset.in_order((page.c.created_at, page.c.id), descending=True))
    )


@cache
def _moderation_queue(status: ReviewStatus, *, after: bool) -> CompiledStatement:
    condition = {
        ReviewStatus.PENDING: sa.not_(reviews.c.is_verified),
        ReviewStatus.VERIFIED: reviews.c.is_verified,
        ReviewStatus.ALL: sa.true(),
    }[status]
    rows = (
        sa.select(products.c.slug, *_REVIEW_COLUMNS).join_from(reviews, products).where(condition)
    )
    page = keyset.page_rows(rows, _position, after=after).subquery()
    total = keyset.total_of(reviews, condition)
    return CompiledStatement.compile(
        keyset.with_total(total, [sa.true(), *page.c], page).order_by(page.c.created_at, page.c.id)
    )


def _create(connection: sa.Connection, slug: str, draft: ReviewDraft, at: datetime) -> Review:
    row = connection.execute(_LOCK_PRODUCT.where(products.c.slug == slug)).one_or_none()
    if row is None:
        raise missing_product_error_in(connection, slug)
    if not row.is_active:
        raise product_not_found(slug)
    pending = sa.select(*_REVIEW_COLUMNS).where(
        reviews.c.product_id == row.id,
        sa.not_(reviews.c.is_verified),
        reviews.c.reviewer_name == draft.reviewer_name,
        reviews.c.comment == draft.comment,
    )
    if duplicate := connection.execute(pending.order_by(reviews.c.id)).first():
        return _review_from_row((slug, *duplicate))
    values = {**asdict(draft), "product_id": row.id, "created_at": at}
    insertion = sa.insert(reviews).values(values).returning(*_REVIEW_COLUMNS)
    review = _review_from_row((slug, *connection.execute(insertion).one()))
    _record(connection, EventType.REVIEW_SUBMITTED, review.id, row)
    return review


def _verify(connection: sa.Connection, review_id: int, *, is_verified: bool) -> Review:
    product = _lock_product_of(connection, review_id)
    if product is None:
        raise review_not_found(review_id)
    update = sa.update(reviews).where(
        reviews.c.id == review_id, reviews.c.is_verified != is_verified
    )
    if connection.execute(update.values(is_verified=is_verified)).rowcount:
        refresh_rating(connection, product.id)
        changes = {"is_verified": [not is_verified, is_verified]}
        _record(connection, EventType.REVIEW_VERIFIED, review_id, product, changes)
    row = connection.execute(_FIND, {"review_id": review_id}).one_or_none()
    if row is None:  # deleted while this transaction waited for the lock on the product
        raise review_not_found(review_id)
    return _review_from_row(row)


def _delete(connection: sa.Connection, review_id: int) -> bool:
    product = _lock_product_of(connection, review_id)
    if product is None:
        return False
    result = connection.execute(sa.delete(reviews).where(reviews.c.id == review_id))
    if not result.rowcount:  # deleted while this transaction waited for the lock on the product
        return False
    refresh_rating(connection, product.id)
    _record(connection, EventType.REVIEW_DELETED, review_id, product)
    return True


def _lock_product_of(
    connection: sa.Connection, review_id: int
) -> sa.Row[int, bool, str, str] | None:
    """Return the product of a review, locked until the transaction ends."""
    owner = sa.select(reviews.c.product_id).where(reviews.c.id == review_id).scalar_subquery()
    return connection.execute(_LOCK_PRODUCT.where(products.c.id == owner)).one_or_none()


def _record(
    connection: sa.Connection,
    kind: EventType,
    review_id: int,
    product: sa.Row[int, bool, str, str],
    changes: Changes | None = None,
) -> None:
    subject = Subject(product.id, product.slug, product.name, product.id)
    record_events(connection, [review_event(kind, review_id, subject, changes)])
