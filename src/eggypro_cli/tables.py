"""How products, variants and imports look to people: tables that 80 columns can hold."""

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
from eggypro_core.domain.product_files import ImportReport, Notice
from eggypro_core.domain.product_query import Facets, ProductQuery
from eggypro_core.domain.review import Review, ReviewQuery
from eggypro_core.domain.variant import MAX_EMBEDDED_VARIANTS, VARIANT_FIELDS, Variant, VariantQuery
from eggypro_core.operations.migrations import TableSize
from eggypro_core.search.query import MatchKind, RankTier, Term, TermMatch
from eggypro_core.search.results import ExplainedPage, ProductListing
from eggypro_core.search.zero_results import ZeroResultSearch

T = TypeVar("T")
MAX_SHOWN_MESSAGES = 20
"""How many refused lines, and how many warnings, people are shown."""
_MAX_TEXT_WIDTH = 80
"""How much of a comment lists show."""
_MAX_SHOWN_VARIANTS = 8
"""How many of the words that one stands for are shown."""
_PADDING = (0, 2, 0, 0)
_LAST_OFFSET = 10_000
_OFFER = ("sku", "price", "compare_at_price", "stock_quantity", "track_stock", "is_active")
_CARD_FIELDS = {
    *_OFFER,
    *("name", "slug", "ingredients", "description", "details", "attributes", "images"),
}
_VARIANT_CARD_FIELDS = {*_OFFER, "options", "image", "position"}
_TAG = re.compile("<[^>]*>")
_LINE_END = re.compile("</(?:p|li|h[1-6])>|<br ?/?>")


def product_page(
    listing: ProductListing, query: ProductQuery, currency: str
) -> Iterator[RenderableType]:
    """Return a page of products, and how to see the next, with what was asked for beside it."""
    if listing.explanation is None:
        tables = [_product_table(listing.page.items, currency)]
    else:
        tables = [_reading_table(listing.explanation), _reasons_table(listing.explanation)]
    if listing.facets is not None:
        tables.append(_facets_table(listing.facets, currency))
    yield from _page(listing.page, query, *tables)


def variant_page(
    page: Page[Variant, VariantQuery], query: VariantQuery, currency: str
) -> Iterator[RenderableType]:
    """Return a page of a product's variants, and how to see the next."""
    return _page(page, query, _variant_table(page.items, currency))


def size_table(sizes: Iterable[TableSize]) -> Table:
    """Return the tables of a database."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("table", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    for one in sizes:
        table.add_row(one.name, f"{one.rows:,}", f"{one.bytes / 1_000_000:,.1f}")
    return table


def image_table(product: Product, last: int) -> Table:
    """Return the last so many images of a product, which are in our store."""
    stored = {one.public_id: one for one in product.stored_images}
    table = Table(box=None, padding=_PADDING)
    table.add_column("image", overflow="fold")
    table.add_column("size", no_wrap=True)
    table.add_column("alt", overflow="fold")
    for image in product.images[-last:]:
        known = stored[image.ref]
        size = f"{known.format} {known.width} x {known.height}, {known.size // 1024 or 1} KiB"
        table.add_row(image.ref, size, image.alt or "")
    return table


def product_card(product: Product, currency: str) -> Table:
    """Return one product, a field a line; empty ones are left out."""
    return pair_table((name, value) for name, value in _fields(product, currency) if value)


def variant_card(variant: Variant, currency: str) -> Table:
    """Return one variant, a field a line; empty ones are left out."""
    return pair_table((name, value) for name, value in _variant_fields(variant, currency) if value)


def pair_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Return a table of two columns without a heading."""
    table = Table(box=None, padding=_PADDING, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def review_page(page: Page[Review, ReviewQuery], query: ReviewQuery) -> Iterator[RenderableType]:
    """Return a page of reviews, and how to see the next."""
    yield from _page(page, query, _review_table(page.items))


def review_card(review: Review) -> Table:
    """Return one review, a field a line; empty ones are left out."""
    return pair_table([(name, value) for name, value in _review_fields(review) if value])


def category_page(
    page: Page[Category, CategoryQuery], query: CategoryQuery
) -> Iterator[RenderableType]:
    """Return a page of categories, and how to see the next."""
    yield from _page(page, query, _category_table(page.items))


def category_card(category: Category) -> Table:
    """Return one category, a field a line; empty ones are left out."""
    return pair_table([(name, value) for name, value in _category_fields(category) if value])


def zero_results_table(misses: Iterable[ZeroResultSearch]) -> Table:
    """Return searches that found nothing, one a line."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("words", overflow="fold")
    table.add_column("last time", no_wrap=True)
    for one in misses:
        table.add_row(str(one.times), one.words, f"{one.last_at:%Y-%m-%d %H:%M} UTC")
    return table


def report_sentence(report: ImportReport) -> str:
    """Return what an import did, or would do, in numbers."""
    if report.dry_run:
        words = "Would create {}, change {}, leave {} as they are."
    else:
        words = "Created {}, changed {}, left {} as they are."
    return words.format(report.created, report.changed, report.unchanged)


def message_lines(title: str, found: Sequence[Notice]) -> Iterator[RenderableType]:
    """Return the first of some notices, line by line; nothing where there are none."""
    if not found:
        return
    table = Table(box=None, padding=_PADDING, title=title, title_justify="left", title_style="bold")
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("field", overflow="fold")
    table.add_column("reason", overflow="fold")
    for notice in found[:MAX_SHOWN_MESSAGES]:
        table.add_row(str(notice.line), notice.field, notice.message)
    yield table
    if len(found) > MAX_SHOWN_MESSAGES:
        yield f"... and {len(found) - MAX_SHOWN_MESSAGES} more."


def _page(
    page: Page[T, Any], query: ListQuery[Any, Any], *tables: RenderableType
) -> Iterator[RenderableType]:
    if page.items:
        yield from tables
    total = f"more than {page.total}" if page.total_capped else str(page.total)
    yield f"{len(page.items)} of {total}"
    if page.next_query is not None:
        yield f"For more, add {_next_options(query, page.next_query)}"


def _product_table(products: Sequence[ListedProduct], currency: str) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("slug", overflow="fold", ratio=3)
    table.add_column("name", overflow="fold", ratio=3)
    table.add_column(f"price {currency}", justify="right", no_wrap=True)
    table.add_column("stock", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for one in products:
        table.add_row(one.slug, one.name, str(one.price), _stock(one), _state(one))
    return table


def _reading_table(explained: ExplainedPage) -> Table:
    """Return what each word of a search stands for."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("word", no_wrap=True)
    for fit in MatchKind:
        table.add_column(fit.name.lower(), overflow="fold", ratio=1)
    for term in explained.parsed_query.terms:
        table.add_row(term.word, *(_meant(term, fit) for fit in MatchKind))
    return table


def _meant(term: Term, fit: MatchKind) -> str:
    meaning = term.expansions.get(fit)
    if meaning is None:
        return "-"
    few = [
        *meaning.stems[:_MAX_SHOWN_VARIANTS],
        *(["…"] if len(meaning.stems) > _MAX_SHOWN_VARIANTS else []),
    ]
    return " ".join(few) or f"{meaning.prefix}…"


def _reasons_table(explained: ExplainedPage) -> Table:
    """Return why each product of a search stands where it does."""
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
    """Return what all products of a list come to."""
    about = "about " if facets.is_sampled else ""
    counts = [(f"in {one.slug}", f"{about}{one.count}") for one in facets.categories]
    prices = [("price", f"{facets.min_price} to {facets.max_price} {currency}")]
    return pair_table([*prices, ("in stock", f"{about}{facets.in_stock_count}"), *counts])


def _variant_table(variants: Sequence[Variant], currency: str) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("options", overflow="fold", ratio=1)
    table.add_column(f"price {currency}", justify="right", no_wrap=True)
    table.add_column("stock", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for one in variants:
        table.add_row(str(one.id), _options(one.options), str(one.price), _stock(one), _state(one))
    return table


def _category_table(categories: Sequence[Category]) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("path", overflow="fold", ratio=3)
    table.add_column("name", overflow="fold", ratio=2)
    table.add_column("products", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for one in categories:
        row = ("/".join(one.path), one.name, str(one.product_count), _category_state(one))
        table.add_row(*row)
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
    return "shown" if category.is_visible else "hidden"


def _review_table(reviews: Sequence[Review]) -> Table:
    table = Table(box=None, padding=_PADDING)
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("product", overflow="fold", ratio=2)
    table.add_column("stars", justify="right", no_wrap=True)
    table.add_column("name", overflow="fold", ratio=1)
    table.add_column("comment", overflow="fold", ratio=3)
    table.add_column("state", no_wrap=True)
    for one in reviews:
        comment = " ".join(one.comment.split())
        short = comment if len(comment) <= _MAX_TEXT_WIDTH else f"{comment[:_MAX_TEXT_WIDTH]}..."
        row = (str(one.id), one.product, str(one.rating), one.reviewer_name, short)
        table.add_row(*row, _review_state(one))
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
    return "shown" if review.is_verified else "pending"


def _fields(product: Product, currency: str) -> Iterator[tuple[str, str]]:
    compare_at, rating = product.compare_at_price, product.rating
    yield "name", product.name
    yield "slug", product.slug
    yield "sku", product.sku or ""
    yield "price", f"{product.price} {currency}"
    yield "instead of", "" if compare_at is None else f"{compare_at} {currency}"
    yield "stock", _stock(product)
    yield "state", _state(product)
    reviews = "1 review" if rating.count == 1 else f"{rating.count} reviews"
    yield "rating", f"{rating.average} ({reviews})" if rating.count else ""
    yield "variants", "\n".join(_variant_lines(product, currency))
    yield "categories", ", ".join(one.name for one in product.categories)
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
    yield "instead of", "" if compare_at is None else f"{compare_at} {currency}"
    yield "stock", _stock(variant)
    yield "state", _state(variant)
    yield "image", variant.image or ""
    yield "position", str(variant.position)
    yield from _other_fields(variant, VARIANT_FIELDS, _VARIANT_CARD_FIELDS)
    yield "version", str(variant.version)


def _other_fields(
    thing: Product | Variant, definitions: Iterable[FieldDefinition], shown: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Return the fields that no line of a card is made for, as they are."""
    for field in definitions:
        if field.name not in shown:
            yield (
                field.name.replace("_", " ").replace("seo", "SEO"),
                _cell_text(getattr(thing, field.name)),
            )


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def _variant_lines(product: Product, currency: str) -> Iterator[str]:
    for one in product.variants:
        stock = f"{_stock(one)} in stock" if one.track_stock else "always in stock"
        yield f"{one.id}: {_options(one.options)}; {one.price} {currency}, {stock}, {_state(one)}"
    if len(product.variants) >= MAX_EMBEDDED_VARIANTS:
        yield f"`eggypro variants list {product.slug}` shows all"


def _options(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in options.items())


def _stock(thing: ListedProduct | Variant) -> str:
    return str(thing.stock_quantity) if thing.track_stock else "any"


def _state(thing: ListedProduct | Variant) -> str:
    if not thing.is_active:
        return "archived"
    return "on sale" if thing.in_stock else "sold out"


def _plain(details: str) -> str:
    """Return HTML as text to be read."""
    text = unescape(_TAG.sub("", _LINE_END.sub("\n", details)))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _next_options(query: ListQuery[Any, Any], following: ListQuery[Any, Any]) -> str:
    """Return the options of the next page: the short one while it reaches."""
    offset = query.offset + query.limit
    if query.after is None and offset <= _LAST_OFFSET:
        return f"--offset {offset}"
    return f"--cursor {following.params()['cursor']}"
