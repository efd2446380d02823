"""Tables of catalogue records for people, at most 80 columns wide."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from html import unescape
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.table import Table

from eggypro_core.domain.category import Category, CategoryQuery
from eggypro_core.domain.field_definition import FieldDefinition
from eggypro_core.domain.pagination import ListQuery, Page
from eggypro_core.domain.product import ListedProduct, Product
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import ImportDifference, ImportMessage, ImportReport
from eggypro_core.domain.product_query import Facets, ProductQuery
from eggypro_core.domain.review import Review, ReviewQuery
from eggypro_core.domain.variant import MAX_EMBEDDED_VARIANTS, VARIANT_FIELDS, Variant, VariantQuery
from eggypro_core.operations.migrations import TableSize
from eggypro_core.search.query import MatchKind, RankTier, Term, TermMatch
from eggypro_core.search.results import ExplainedPage, ProductListing
from eggypro_core.search.zero_results import ZeroResultSearch

T = TypeVar("T")
_MAX_SHOWN_PRODUCTS = 20
_MAX_SHOWN_TEXT = 60
MAX_SHOWN_MESSAGES = 20
"""Number of refused lines, and of warnings, shown to people."""
_MAX_COMMENT_LENGTH = 80
"""Characters of a review comment shown in lists."""
_MAX_SHOWN_STEMS = 8
"""Number of expansions of a search word shown."""
_PADDING = (0, 2, 0, 0)
_MAX_OFFSET = 10_000
_OFFER_FIELDS = ("sku", "price", "compare_at_price", "stock_quantity", "track_stock", "is_active")
_CARD_FIELDS = {
    *_OFFER_FIELDS,
    *("name", "slug", "ingredients", "description", "details", "attributes", "images"),
}
_VARIANT_CARD_FIELDS = {*_OFFER_FIELDS, "options", "image", "position"}
_TAG = re.compile("<[^>]*>")
_LINE_END = re.compile("</(?:p|li|h[1-6])>|<br ?/?>")


def product_page(
    listing: ProductListing, query: ProductQuery, currency: str
) -> Iterator[RenderableType]:
    """Render a page of products, with facets and explanation if requested."""
    if listing.explanation is None:
        tables = [_product_table(listing.page.items, currency)]
    else:
        tables = [_expansions_table(listing.explanation), _reasons_table(listing.explanation)]
    if listing.facets is not None:
        tables.append(_facets_table(listing.facets, currency))
    yield from _page(listing.page, query, *tables)


def variant_page(
    page: Page[Variant, VariantQuery], query: VariantQuery, currency: str
) -> Iterator[RenderableType]:
    """Render a page of variants of a product."""
    return _page(page, query, _variant_table(page.items, currency))


def size_table(sizes: Iterable[TableSize]) -> Table:
    """Render database tables with their row counts and sizes."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("table", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    for size in sizes:
        table.add_row(size.name, f"{size.rows:,}", f"{size.bytes / 1_000_000:,.1f}")
    return table


def image_table(product: Product, last: int) -> Table:
    """Render the last `last` images of a product. All of them must be in the image store."""
    stored = {image.public_id: image for image in product.stored_images}
    table = Table(box=None, padding=_PADDING)
    table.add_column("image", overflow="fold")
    table.add_column("size", no_wrap=True)
    table.add_column("alt", overflow="fold")
    for image in product.images[-last:]:
        file = stored[image.ref]
        size = f"{file.format} {file.width} x {file.height}, {file.size // 1024 or 1} KiB"
        table.add_row(image.ref, size, image.alt or "")
    return table


def product_card(product: Product, currency: str) -> Table:
    """Render a product, one field per line, without empty fields."""
    return pair_table((name, value) for name, value in _fields(product, currency) if value)


def variant_card(variant: Variant, currency: str) -> Table:
    """Render a variant, one field per line, without empty fields."""
    return pair_table((name, value) for name, value in _variant_fields(variant, currency) if value)


def pair_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Render name-value pairs without a heading."""
    table = Table(box=None, padding=_PADDING, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def setting_table(rows: Iterable[tuple[str, str, str]]) -> Table:
    """Render the settings in force: name, value and source."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("source", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def review_page(page: Page[Review, ReviewQuery], query: ReviewQuery) -> Iterator[RenderableType]:
    """Render a page of reviews."""
    yield from _page(page, query, _review_table(page.items))


def review_card(review: Review) -> Table:
    """Render a review, one field per line, without empty fields."""
    return pair_table([(name, value) for name, value in _review_fields(review) if value])


def category_page(
    page: Page[Category, CategoryQuery], query: CategoryQuery
) -> Iterator[RenderableType]:
    """Render a page of categories."""
    yield from _page(page, query, _category_table(page.items))


def category_card(category: Category) -> Table:
    """Render a category, one field per line, without empty fields."""
    return pair_table([(name, value) for name, value in _category_fields(category) if value])


def zero_results_table(searches: Iterable[ZeroResultSearch]) -> Table:
    """Render searches without results, one per line."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("words", overflow="fold")
    table.add_column("last time", no_wrap=True)
    for search in searches:
        table.add_row(str(search.times), search.words, f"{search.last_at:%Y-%m-%d %H:%M} UTC")
    return table


def import_tables(report: ImportReport, *, of_stock: bool = False) -> Iterator[RenderableType]:
    """Render the counts of an import, and what a dry run would change."""
    if of_stock:
        verb = "Would change the stock" if report.dry_run else "Changed the stock"
        noun = "product" if report.changed == 1 else "products"
        yield f"{verb} of {report.changed} {noun}; {report.unchanged} unchanged."
    else:
        template = "Created {}, changed {}; {} unchanged."
        if report.dry_run:
            template = "Would create {}, change {}; {} unchanged."
        yield template.format(report.created, report.changed, report.unchanged)
    if not report.dry_run:
        return
    if report.new_categories:
        yield f"New categories: {', '.join(report.new_categories)}"
    if report.differences:
        yield _difference_table(report.differences[:_MAX_SHOWN_PRODUCTS])
    if report.difference_total > _MAX_SHOWN_PRODUCTS:
        hidden = report.difference_total - _MAX_SHOWN_PRODUCTS
        yield f"... and {hidden} more: --report FILE writes all changes."


def _difference_table(differences: Sequence[ImportDifference]) -> Table:
    """Render the fields of products before and after."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("product", no_wrap=True)
    for name in ("field", "before", "after"):
        table.add_column(name, overflow="fold", ratio=1)
    for difference in differences:
        slug = difference.slug
        if difference.action == "created":
            slug += " (new)"
        for name, texts in difference.fields.items() or {"": (None, None)}.items():
            table.add_row(slug, name, *(_shorten(text) for text in texts))
            slug = ""
    return table


def _shorten(text: str | None) -> str:
    if text is None:
        return "-"
    text = " ".join(text.split())
    return text if len(text) <= _MAX_SHOWN_TEXT else text[: _MAX_SHOWN_TEXT - 1] + "…"


def message_lines(
    title: str, messages: Sequence[ImportMessage], total: int
) -> Iterator[RenderableType]:
    """Render the first messages of an import; nothing if there are none."""
    if not messages:
        return
    table = Table(box=None, padding=_PADDING, title=title, title_justify="left", title_style="bold")
    table.add_column("line", justify="right", no_wrap=True)
    for name in ("column", "value", "reason"):
        table.add_column(name, overflow="fold")
    for message in messages[:MAX_SHOWN_MESSAGES]:
        column = message.column or message.field
        table.add_row(str(message.line), column, _shorten(message.value), message.message)
    yield table
    if total > MAX_SHOWN_MESSAGES:
        yield f"... and {total - MAX_SHOWN_MESSAGES} more: --report FILE writes all of them."


def _page(
    page: Page[T, Any], query: ListQuery[Any, Any], *tables: RenderableType
) -> Iterator[RenderableType]:
    if page.items:
        yield from tables
    total = f"more than {page.total}" if page.total_capped else str(page.total)
    yield f"{len(page.items)} of {total}"
    if page.next_query is not None:
        yield f"Next page: add {_next_options(query, page.next_query)}"


def _product_table(products: Sequence[ListedProduct], currency: str) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("slug", overflow="fold", ratio=3)
    table.add_column("name", overflow="fold", ratio=3)
    table.add_column(f"price {currency}", justify="right", no_wrap=True)
    table.add_column("stock", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for product in products:
        table.add_row(
            product.slug, product.name, str(product.price), _stock(product), _state(product)
        )
    return table


def _expansions_table(explained: ExplainedPage) -> Table:
    """Render the expansions of each search word, by kind of match."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("word", no_wrap=True)
    for kind in MatchKind:
        table.add_column(kind.name.lower(), overflow="fold", ratio=1)
    for term in explained.parsed_query.terms:
        table.add_row(term.word, *(_expansion(term, kind) for kind in MatchKind))
    return table


def _expansion(term: Term, kind: MatchKind) -> str:
    expansion = term.expansions.get(kind)
    if expansion is None:
        return "-"
    stems = [
        *expansion.stems[:_MAX_SHOWN_STEMS],
        *(["…"] if len(expansion.stems) > _MAX_SHOWN_STEMS else []),
    ]
    return " ".join(stems) or f"{expansion.prefix}…"


def _reasons_table(explained: ExplainedPage) -> Table:
    """Render the ranking reason of each result."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("slug", overflow="fold", ratio=2)
    table.add_column("all words in", no_wrap=True)
    table.add_column("each word", overflow="fold", ratio=2)
    table.add_column("rating", justify="right", no_wrap=True)
    table.add_column("stock", justify="right", no_wrap=True)
    for item, reason in zip(explained.page.items, explained.reasons, strict=True):
        matches = ", ".join(map(_match, reason.matches))
        rating = str(item.rating.average or "-")
        table.add_row(item.slug, _tier(reason.tier), matches, rating, _stock(item))
    return table


def _match(match: TermMatch) -> str:
    return f"{match.word}: {match.stem or 'its category'} ({_tier(match.tier)})"


def _tier(tier: RankTier | None) -> str:
    return "SKU" if tier is None else f"{tier.field.name}, {tier.kind.name}".lower()


def _facets_table(facets: Facets, currency: str) -> Table:
    """Render the facet counts of a list."""
    about = "about " if facets.is_sampled else ""
    counts = [(f"in {facet.slug}", f"{about}{facet.count}") for facet in facets.categories]
    prices = [("price", f"{facets.min_price} to {facets.max_price} {currency}")]
    return pair_table([*prices, ("in stock", f"{about}{facets.in_stock_count}"), *counts])


def _variant_table(variants: Sequence[Variant], currency: str) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("options", overflow="fold", ratio=1)
    table.add_column(f"price {currency}", justify="right", no_wrap=True)
    table.add_column("stock", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for variant in variants:
        table.add_row(
            str(variant.id),
            _options(variant.options),
            str(variant.price),
            _stock(variant),
            _state(variant),
        )
    return table


def _category_table(categories: Sequence[Category]) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("path", overflow="fold", ratio=3)
    table.add_column("name", overflow="fold", ratio=2)
    table.add_column("products", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for category in categories:
        table.add_row(
            "/".join(category.path),
            category.name,
            str(category.product_count),
            _category_state(category),
        )
    return table


def _category_fields(category: Category) -> Iterator[tuple[str, str]]:
    yield "name", category.name
    yield "slug", category.slug
    yield "path", "/".join(category.path)
    yield "description", category.description or ""
    yield "products", str(category.product_count)
    yield "state", _category_state(category)
    yield "created", f"{category.created_at:%Y-%m-%d %H:%M} UTC"


def _category_state(category: Category) -> str:
    if not category.is_active:
        return "archived"
    return "visible" if category.is_visible else "hidden"


def _review_table(reviews: Sequence[Review]) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("product", overflow="fold", ratio=2)
    table.add_column("stars", justify="right", no_wrap=True)
    table.add_column("name", overflow="fold", ratio=1)
    table.add_column("comment", overflow="fold", ratio=3)
    table.add_column("state", no_wrap=True)
    for review in reviews:
        comment = " ".join(review.comment.split())
        short = (
            comment
            if len(comment) <= _MAX_COMMENT_LENGTH
            else f"{comment[:_MAX_COMMENT_LENGTH]}..."
        )
        row = (str(review.id), review.product, str(review.rating), review.reviewer_name, short)
        table.add_row(*row, _review_state(review))
    return table


def _review_fields(review: Review) -> Iterator[tuple[str, str]]:
    yield "id", str(review.id)
    yield "product", review.product
    yield "stars", str(review.rating)
    yield "name", review.reviewer_name
    yield "comment", review.comment
    for label in ("reviewer_image_url", "image_url", "video_url"):
        yield label.replace("_", " ").removesuffix(" url"), getattr(review, label) or ""
    yield "state", _review_state(review)
    yield "created", f"{review.created_at:%Y-%m-%d %H:%M} UTC"


def _review_state(review: Review) -> str:
    return "verified" if review.is_verified else "pending"


def _fields(product: Product, currency: str) -> Iterator[tuple[str, str]]:
    compare_at, rating = product.compare_at_price, product.rating
    yield "name", product.name
    yield "slug", product.slug
    yield "sku", product.sku or ""
    yield "price", f"{product.price} {currency}"
    yield "compare at", "" if compare_at is None else f"{compare_at} {currency}"
    yield "stock", _stock(product)
    yield "state", _state(product)
    reviews = "1 review" if rating.count == 1 else f"{rating.count} reviews"
    yield "rating", f"{rating.average} ({reviews})" if rating.count else ""
    yield "variants", "\n".join(_variant_lines(product, currency))
    yield "categories", ", ".join(category.name for category in product.categories)
    yield "ingredients", ", ".join(product.ingredients)
    yield "description", product.description
    yield "details", _plain(product.details)
    yield from product.attributes.items()
    yield "images", "\n".join(image.ref for image in product.images)
    yield from _other_fields(product, PRODUCT_FIELDS, _CARD_FIELDS)
    yield "created", f"{product.created_at:%Y-%m-%d %H:%M} UTC"
    yield "updated", f"{product.updated_at:%Y-%m-%d %H:%M} UTC"
    yield "version", str(product.version)


def _variant_fields(variant: Variant, currency: str) -> Iterator[tuple[str, str]]:
    compare_at = variant.compare_at_price
    yield "id", str(variant.id)
    yield from variant.options.items()
    yield "sku", variant.sku or ""
    yield "price", f"{variant.price} {currency}"
    yield "compare at", "" if compare_at is None else f"{compare_at} {currency}"
    yield "stock", _stock(variant)
    yield "state", _state(variant)
    yield "image", variant.image or ""
    yield "position", str(variant.position)
    yield from _other_fields(variant, VARIANT_FIELDS, _VARIANT_CARD_FIELDS)
    yield "version", str(variant.version)


def _other_fields(
    record: Product | Variant, definitions: Iterable[FieldDefinition], shown: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Return label and text of all fields that are not in `shown`."""
    for field in definitions:
        if field.name not in shown:
            yield (
                field.name.replace("_", " ").replace("seo", "SEO"),
                _cell_text(getattr(record, field.name)),
            )


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def _variant_lines(product: Product, currency: str) -> Iterator[str]:
    for variant in product.variants:
        stock = f"{_stock(variant)} in stock" if variant.track_stock else "always in stock"
        price = f"{variant.price} {currency}"
        yield f"{variant.id}: {_options(variant.options)}; {price}, {stock}, {_state(variant)}"
    if len(product.variants) >= MAX_EMBEDDED_VARIANTS:
        yield f"`eggypro variants list {product.slug}` lists all variants"


def _options(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in options.items())


def _stock(item: ListedProduct | Variant) -> str:
    return str(item.stock_quantity) if item.track_stock else "untracked"


def _state(item: ListedProduct | Variant) -> str:
    if not item.is_active:
        return "archived"
    if isinstance(item, ListedProduct) and not item.is_listed:
        return "unlisted"
    return "active" if item.in_stock else "sold out"


def _plain(details: str) -> str:
    """Convert HTML to plain text."""
    text = unescape(_TAG.sub("", _LINE_END.sub("\n", details)))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _next_options(query: ListQuery[Any, Any], next_query: ListQuery[Any, Any]) -> str:
    """Return the option for the next page: `--offset` within its limit, else `--cursor`."""
    offset = query.offset + query.limit
    if query.after is None and offset <= _MAX_OFFSET:
        return f"--offset {offset}"
    return f"--cursor {next_query.params()['cursor']}"
