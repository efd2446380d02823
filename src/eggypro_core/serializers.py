"""JSON representations: records as plain dicts, lists and strings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self, TypeAlias, TypeVar
from urllib.parse import urlencode

from attrs import asdict, astuple, fields, frozen

from eggypro_core.access.api_keys import ApiKey, CreatedApiKey
from eggypro_core.access.authentication import AdminUser, TokenResponse
from eggypro_core.caching.entries import CacheCounts, CacheReport
from eggypro_core.deployment import DeploymentCheck
from eggypro_core.domain.bulk_update import BulkReport
from eggypro_core.domain.category import Category, CategoryQuery
from eggypro_core.domain.event import Event, shown_change
from eggypro_core.domain.event_query import Batch, BatchQuery, EventPage
from eggypro_core.domain.field_definition import Converters, FieldType, serializer
from eggypro_core.domain.image import ImageUrlBuilder, SignedUpload, image_set, is_external
from eggypro_core.domain.origin import Origin
from eggypro_core.domain.pagination import ListQuery, Page
from eggypro_core.domain.product import ListedProduct, Product, Rating
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import ImportDifference, ImportMessage, ImportReport
from eggypro_core.domain.product_query import Facets, ProductQuery, Suggestion
from eggypro_core.domain.review import Review, ReviewQuery
from eggypro_core.domain.stock_change import StockLevel
from eggypro_core.domain.undo import UndoReport
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant, VariantQuery
from eggypro_core.maintenance import JobResult
from eggypro_core.operations.backups import BackupReport
from eggypro_core.operations.health import DATABASE, CheckResult, HealthReport, ServiceStatus
from eggypro_core.operations.migrations import TableSize
from eggypro_core.operations.request_metrics import ErrorReport, MetricsSummary, RequestSummary
from eggypro_core.search.query import RankReason, RankTier, Term, relevance_of
from eggypro_core.search.results import ExplainedPage, ProductListing
from eggypro_core.search.zero_results import ZeroResultSearch
from eggypro_core.shop import Shop

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
PRODUCTS_PATH = "/api/products"
REVIEWS_PATH = "/api/reviews"
EVENTS_PATH = "/api/events"
BATCHES_PATH = "/api/batches"
KEYS_PATH = "/api/keys"
STOCK_PATH = "/api/stock"
BULK_UPDATES_PATH = "/api/bulk-updates"
CATEGORIES_PATH = "/api/categories"
UPLOADS_PATH = "/api/images/uploads"
T = TypeVar("T")
_LISTED = [field.name for field in PRODUCT_FIELDS if field.in_lists]
_IMAGES_INDEX = _LISTED.index("images")
LISTED_MEMBERS = (
    *("id", *_LISTED[:_IMAGES_INDEX], "currency", *_LISTED[_IMAGES_INDEX:]),
    *("created_at", "updated_at", "categories", "variant_count", "rating"),
)
"""The members of a product in a list, in order."""
DETAIL_MEMBERS = (
    *(field.name for field in PRODUCT_FIELDS if not field.in_lists),
    *("image_sets", "variants"),
)
"""The members that only a product with all details has."""
VARIANT_MEMBERS = ("id", *(field.name for field in VARIANT_FIELDS))
_PLAIN_FIELDS = [field for field in PRODUCT_FIELDS if field.type is not FieldType.IMAGES]
_JSON: Converters = {FieldType.MONEY: str, FieldType.TEXT_MAP: dict}
_listed_members = serializer(LISTED_MEMBERS, _PLAIN_FIELDS, _JSON)
_detail_members = serializer(DETAIL_MEMBERS, _PLAIN_FIELDS, _JSON)
_variant_members = serializer(VARIANT_MEMBERS, VARIANT_FIELDS, _JSON)


@frozen
class ProductSerializer:
    """JSON bodies of products, with the currency of a shop and the URLs of its images."""

    _currency: str
    _image_url: ImageUrlBuilder

    @classmethod
    def of(cls, shop: Shop) -> Self:
        """Return the serializer of a shop's products."""
        return cls(shop.currency, shop.images.url)

    def product(self, product: Product) -> dict[str, Json]:
        """Return a product with all details."""
        return {
            **self.listed_product(product),
            **_detail_members(
                product,
                image_sets=self.image_sets(product),
                variants=[variant_body(variant) for variant in product.variants],
            ),
        }

    def listed_product(self, product: ListedProduct) -> dict[str, Json]:
        """Return a product as an item of a list."""
        return _listed_members(
            product,
            id=product.id,
            currency=self._currency,
            images=self.image_urls(product),
            created_at=timestamp(product.created_at),
            updated_at=timestamp(product.updated_at),
            categories=[
                {"slug": category.slug, "name": category.name} for category in product.categories
            ],
            variant_count=product.variant_count,
            rating=_rating(product.rating),
        )

    def page(self, listing: ProductListing, query: ProductQuery) -> dict[str, Json]:
        """Return a page of products with the URL of the next one, facets and reasons if asked."""
        body = _page(listing.page, query, PRODUCTS_PATH, self.listed_product)
        if listing.facets is not None:
            body["facets"] = _facets(listing.facets)
        if listing.explanation is not None:
            body["explain"] = _explanation(listing.explanation)
        return body

    def image_urls(self, product: ListedProduct) -> list[str]:
        """Return the URL of each image of a product."""
        return [
            image.ref if is_external(image.ref) else self._image_url(image.ref, None)
            for image in product.images
        ]

    def image_sets(self, product: Product) -> list[dict[str, Json]]:
        """Return the image sets of a product."""
        stored = {image.public_id: image for image in product.stored_images}
        return [
            asdict(
                image_set(image.ref, self._image_url, alt=image.alt, stored=stored.get(image.ref))
            )
            for image in product.images
        ]


def upload_body(upload_id: str, upload: SignedUpload) -> dict[str, Json]:
    """Return the data that a browser needs for a signed upload."""
    return {
        "id": upload_id,
        "url": upload.url,
        "fields": dict(upload.fields),
        "expires_at": timestamp(upload.expires_at),
    }


def _facets(facets: Facets) -> dict[str, Json]:
    """Return the facets of a list. With `sampled`, counts are approximate."""
    body: dict[str, Json] = {
        "categories": [
            {"slug": category.slug, "name": category.name, "count": category.count}
            for category in facets.categories
        ],
        "price": {
            "min": _optional_money(facets.min_price),
            "max": _optional_money(facets.max_price),
        },
        "in_stock": facets.in_stock_count,
    }
    return {**body, "sampled": True} if facets.is_sampled else body


def _explanation(explained: ExplainedPage) -> dict[str, Json]:
    """Return the parsed query of a search, and the ranking reason of each item."""
    pairs = zip(explained.page.items, explained.reasons, strict=True)
    return {
        "words": [_term(term) for term in explained.parsed_query.terms],
        "items": [_reason(item, reason) for item, reason in pairs],
    }


def _term(term: Term) -> dict[str, Json]:
    stems = {
        kind.name.lower(): expansion.stems or [f"{expansion.prefix}…"]
        for kind, expansion in term.expansions.items()
    }
    return {"word": term.word, **stems}


def _reason(item: ListedProduct, reason: RankReason) -> dict[str, Json]:
    return {
        "slug": item.slug,
        **_tier(reason.tier),
        "rating": _optional_money(item.rating.average),
        "in_stock": item.in_stock,
        "relevance": relevance_of(reason.tier, reason.score),
        "words": [
            {"word": match.word, "found": match.stem or "(category)", **_tier(match.tier)}
            for match in reason.matches
        ],
    }


def _tier(tier: RankTier | None) -> dict[str, Json]:
    """Return field and match kind of a rank tier; None means an exact SKU match."""
    if tier is None:
        return {"field": "sku", "fit": "exact"}
    return {"field": tier.field.name.lower(), "fit": tier.kind.name.lower()}


def suggestions_body(suggestions: Iterable[Suggestion]) -> dict[str, Json]:
    """Return suggestions for a search box."""
    return {
        "items": [
            {"name": item.name, "slug": item.slug, "image": item.image} for item in suggestions
        ]
    }


def variant_body(variant: Variant) -> dict[str, Json]:
    """Return a variant."""
    return _variant_members(variant, variant.id)


def variant_page_body(page: Page[Variant, VariantQuery], query: VariantQuery) -> dict[str, Json]:
    """Return a page of a product's variants with the URL of the next page."""
    return _page(page, query, f"{PRODUCTS_PATH}/{query.product}/variants", variant_body)


def review_body(review: Review) -> dict[str, Json]:
    """Return a review."""
    return {
        "id": review.id,
        "product": review.product,
        "reviewer_name": review.reviewer_name,
        "reviewer_image_url": review.reviewer_image_url,
        "rating": review.rating,
        "comment": review.comment,
        "image_url": review.image_url,
        "video_url": review.video_url,
        "is_verified": review.is_verified,
        "created_at": timestamp(review.created_at),
    }


def review_page_body(page: Page[Review, ReviewQuery], query: ReviewQuery) -> dict[str, Json]:
    """Return a page of reviews with the URL of the next page."""
    path = REVIEWS_PATH if query.product is None else f"{PRODUCTS_PATH}/{query.product}/reviews"
    return _page(page, query, path, review_body)


def category_body(category: Category) -> dict[str, Json]:
    """Return a category."""
    return {
        "id": category.id,
        "name": category.name,
        "slug": category.slug,
        "description": category.description,
        "parent": category.parent,
        "path": category.path,
        "is_active": category.is_active,
        "product_count": category.product_count,
        "created_at": timestamp(category.created_at),
    }


def category_page_body(
    page: Page[Category, CategoryQuery], query: CategoryQuery
) -> dict[str, Json]:
    """Return a page of categories with the URL of the next page."""
    return _page(page, query, CATEGORIES_PATH, category_body)


def import_report_body(report: ImportReport) -> dict[str, Json]:
    """Return the report of an import."""
    return {
        "batch": report.batch,
        "applied": report.is_applied,
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "refused": [import_message_body(message) for message in report.refused],
        "refused_total": report.refused_total,
        "warnings": [import_message_body(message) for message in report.warnings],
        "warnings_total": report.warning_total,
        "changes": [import_difference_body(item) for item in report.differences],
        "changes_total": report.difference_total,
        "new_categories": list(report.new_categories),
        "dry_run": report.dry_run,
    }


def zero_results_body(searches: Iterable[ZeroResultSearch]) -> dict[str, Json]:
    """Return the zero-result searches."""
    return {
        "items": [
            {"words": item.words, "times": item.times, "last_at": timestamp(item.last_at)}
            for item in searches
        ]
    }


def cache_report_body(report: CacheReport) -> dict[str, Json]:
    """Return the sums over the running workers, and the counts of the shared cache."""
    sums = [sum(column) for column in zip(*map(astuple, report.workers), strict=True)]
    names = [field.name for field in fields(CacheCounts)]
    return {
        "workers": len(report.workers),
        **dict(zip(names, sums or [0] * len(names), strict=True)),
        "shared": None if report.shared is None else asdict(report.shared),
    }


def metrics_summary_body(summary: MetricsSummary) -> dict[str, Json]:
    """Return the request metrics per route."""
    body: dict[str, Json] = {"items": route_summaries(summary.routes)}
    return {**body, "sampled": True} if summary.is_sampled else body


def error_report_body(report: ErrorReport) -> dict[str, Json]:
    """Return the errors since a time, by route and status."""
    items: list[Json] = [
        {
            "endpoint": error.endpoint,
            "method": error.method,
            "status": error.status,
            "count": error.count,
            "last_seen": timestamp(error.last_at),
            "request_id": error.request_id,
        }
        for error in report.errors
    ]
    body: dict[str, Json] = {"since": timestamp(report.since), "items": items}
    return {**body, "sampled": True} if report.is_sampled else body


def route_summaries(summaries: Iterable[RequestSummary]) -> list[Json]:
    """Return the request metrics of each route."""
    return [
        {
            "endpoint": summary.endpoint,
            "method": summary.method,
            "avgResponseTime": round(summary.average_ms, 3),
            "p50": summary.p50,
            "p95": summary.p95,
            "p99": summary.p99,
            "totalRequests": summary.requests,
            "errorCount": summary.errors,
        }
        for summary in summaries
    ]


def health_body(report: HealthReport) -> dict[str, Json]:
    """Return the public health report of a shop and its services, without reasons."""
    services: dict[str, Json] = {
        name: _check_result(result) for name, result in report.services.items()
    }
    if DATABASE in report.services:
        is_healthy = report.services[DATABASE].status is ServiceStatus.HEALTHY
        connection = "active" if is_healthy else "inactive"
        services[DATABASE] = {**_check_result(report.services[DATABASE]), "connection": connection}
    return {
        "status": report.status,
        "timestamp": timestamp(report.checked_at),
        "uptime": round(report.uptime_seconds, 3),
        "responseTime": round(report.duration_ms, 3),
        "services": {**services, "environment": dict(report.configured)},
        "version": report.version,
        "environment": report.environment,
    }


def _check_result(result: CheckResult) -> dict[str, Json]:
    return {
        "status": result.status,
        "timestamp": timestamp(result.checked_at),
        "responseTime": round(result.duration_ms, 3),
    }


def schema_body(
    revision: str | None, sizes: Sequence[TableSize], differences: Sequence[str]
) -> dict[str, Json]:
    """Return revision and tables of a database, and its differences from the tables in code."""
    tables: list[Json] = [
        {"name": table.name, "rows": table.rows, "bytes": table.bytes} for table in sizes
    ]
    return {"revision": revision, "tables": tables, "differences": differences}


def backup_body(report: BackupReport) -> dict[str, Json]:
    """Return the contents of a dump."""
    return {
        "revision": report.revision,
        "created_at": report.created_at,
        "products": report.products,
        "images": report.images,
        "warnings": list(report.warnings),
    }


def deployment_body(checks: Sequence[DeploymentCheck]) -> dict[str, Json]:
    """Return the checks of a deployment."""
    items = [
        {"name": check.name, "status": check.status, "detail": check.detail} for check in checks
    ]
    return {"items": items}


def job_result_body(result: JobResult) -> dict[str, Json]:
    """Return the result of a maintenance job."""
    return {
        "job": result.job,
        "removed": result.removed,
        "kept": result.kept,
        "complete": result.complete,
    }


def token_body(response: TokenResponse) -> dict[str, Json]:
    """Return a token and its user."""
    return {
        "user": _user(response.user),
        "token": response.token,
        "expires_at": timestamp(response.expires_at),
    }


def api_key_list_body(api_keys: Iterable[ApiKey]) -> dict[str, Json]:
    """Return a list of API keys."""
    return {"items": [api_key_body(api_key) for api_key in api_keys]}


def created_api_key_body(created: CreatedApiKey) -> dict[str, Json]:
    """Return a new API key with its text."""
    return {**api_key_body(created.api_key), "key": created.key}


def api_key_body(api_key: ApiKey) -> dict[str, Json]:
    """Return an API key without its text, which is not stored."""
    return {
        "id": api_key.id,
        "name": api_key.name,
        "prefix": api_key.prefix,
        "permissions": sorted(api_key.permissions),
        "created_at": timestamp(api_key.created_at),
        "expires_at": _optional_timestamp(api_key.expires_at),
        "last_used_at": _optional_timestamp(api_key.last_used_at),
        "revoked_at": _optional_timestamp(api_key.revoked_at),
    }


def event_page_body(page: EventPage, *, shows_actors: bool = True) -> dict[str, Json]:
    """Return a page of events, and the cursor of the position after it."""
    position = page.next_position
    return {
        "items": [event_body(event, shows_actors=shows_actors) for event in page.items],
        "next_cursor": None if position is None else position.cursor,
    }


def event_body(event: Event, *, shows_actors: bool = True) -> dict[str, Json]:
    """Return an event. Long values are shown by their length and start."""
    changes = event.changes
    return {
        "id": event.id,
        "type": event.type.value,
        "batch": event.batch_id,
        "at": timestamp(event.at),
        **_origin(event.origin, shows_actors=shows_actors),
        "subject": {
            "type": event.type.subject_type,
            "id": event.subject.id,
            "slug": event.subject.slug or None,
            "name": event.subject.name,
        },
        "version": event.version,
        "changes": None
        if changes is None
        else {name: list(shown_change(change)) for name, change in changes.items()},
    }


def batch_page_body(batches: Sequence[Batch], query: BatchQuery) -> dict[str, Json]:
    """Return a page of batches, and the id before which the next page begins."""
    is_full = len(batches) == query.limit
    return {
        "items": [batch_body(batch) for batch in batches],
        "next_before": batches[-1].id if is_full else None,
    }


def batch_body(batch: Batch) -> dict[str, Json]:
    """Return a batch of events."""
    return {
        "id": batch.id,
        "at": timestamp(batch.at),
        **_origin(batch.origin, shows_actors=True),
        "events": batch.event_count,
    }


def bulk_report_body(report: BulkReport) -> dict[str, Json]:
    """Return the report of a bulk update."""
    return {
        "batch": report.batch,
        "matched": report.matched,
        "changed": report.changed,
        "changes": [
            {"slug": slug, "fields": {name: list(values) for name, values in changes.items()}}
            for slug, changes in report.changes
        ],
        "warnings": list(report.warnings),
        "dry_run": report.dry_run,
    }


def stock_levels_body(levels: Iterable[StockLevel]) -> dict[str, Json]:
    """Return the stock of products and variants."""
    return {
        "items": [
            {
                "product": level.slug,
                "variant": level.variant_id,
                "stock_quantity": level.stock_quantity,
            }
            for level in levels
        ]
    }


def undo_report_body(report: UndoReport) -> dict[str, Json]:
    """Return the report of an undo."""
    return {
        "batch": report.batch,
        "reverted": report.reverted,
        "kept": [
            {"slug": change.slug, "field": change.field or None, "message": change.message}
            for change in report.kept
        ],
        "dry_run": report.dry_run,
    }


def _origin(origin: Origin, *, shows_actors: bool) -> dict[str, Json]:
    return {
        "actor": origin.actor if shows_actors else None,
        "source": origin.source.value,
        "request_id": origin.request_id,
        "reason": origin.reason,
        "reference": origin.reference,
    }


def _optional_timestamp(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)


def timestamp(time: datetime) -> str:
    """Return a time as RFC 3339 in UTC with six decimals and `Z`."""
    return time.astimezone(UTC).isoformat("T", "microseconds")[:-6] + "Z"


def _page(
    page: Page[T, Any], query: ListQuery[Any, Any], path: str, body_of: Callable[[T], Json]
) -> dict[str, Json]:
    """Return a page of the list at `path`, with the URL of the next page."""
    next_query = page.next_query
    body: dict[str, Json] = {
        "items": [body_of(item) for item in page.items],
        "total": page.total,
        "limit": query.limit,
        "offset": query.offset if query.after is None else None,
        "next": None if next_query is None else f"{path}?{urlencode(next_query.params())}",
    }
    return {**body, "total_capped": True} if page.total_capped else body


def _optional_money(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _optional_time(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)


def _user(user: AdminUser) -> dict[str, Json]:
    return {
        "id": user.id,
        "role": user.role,
        "permissions": sorted(user.permissions),
        "last_login": _optional_time(user.last_login),
    }


def _rating(rating: Rating) -> dict[str, Json]:
    return {"average": _optional_money(rating.average), "count": rating.count}


def import_message_body(message: ImportMessage) -> dict[str, Json]:
    """Return an error or a warning of an import."""
    return {
        "line": message.line,
        "column": message.column,
        "field": message.field,
        "value": message.value,
        "message": message.message,
    }


def import_record_body(record: ImportMessage | ImportDifference) -> dict[str, Json]:
    """Return a message or a difference of an import."""
    if isinstance(record, ImportDifference):
        return import_difference_body(record)
    return import_message_body(record)


def import_difference_body(difference: ImportDifference) -> dict[str, Json]:
    """Return the changes of an import to a product: the texts of its fields before and after."""
    fields: dict[str, Json] = {name: [*texts] for name, texts in difference.fields.items()}
    return {"slug": difference.slug, "action": difference.action, "fields": fields}
