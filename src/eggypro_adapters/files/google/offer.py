"""Parse the offer in a row of a feed: SKU, GTIN, weight, prices and stock."""

from eggypro_adapters.files import cell_parsers
from eggypro_adapters.files.google.amounts import Price, is_within, parse_price, parse_weight
from eggypro_adapters.files.google.rows import Feed, FeedRow
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.validation.fields import InvalidValueError, escape_control

_SOLD_OUT = frozenset({"out of stock", "sold out", "discontinued", "mark as sold"})
_IN_STOCK = frozenset({"in stock", "limited availability", "online only"})
_ON_ORDER = frozenset({"preorder", "pre order", "backorder", "back order", "available for order"})
_WEIGHTS = ("product_weight", "shipping_weight")


def offer_fields(row: FeedRow, feed: Feed, messages: RowMessages) -> dict[str, object]:
    """Return SKU, GTIN, weight, prices and stock, if the file has their columns."""
    values = row.sku_fields(feed.columns)
    if "gtin" in feed.columns:
        values["gtin"] = row.get("gtin").partition(",")[0].strip() or None
    return (
        values
        | _weight(row, feed, messages)
        | _prices(row, feed, messages)
        | _stock(row, feed, messages)
    )


def _weight(row: FeedRow, feed: Feed, messages: RowMessages) -> dict[str, object]:
    """Return the weight of the product, or else that of the parcel."""
    columns = [name for name in _WEIGHTS if name in feed.columns]
    if not columns:
        return {}
    column = next((name for name in columns if row.get(name)), "")
    if not column:
        return {"weight_grams": None}
    grams = parse_weight(row.get(column))
    if grams is None:
        message = (
            f"Weight '{escape_control(row.get(column), 60)}' has no known unit (g, kg, oz, lb): "
            "ignored"
        )
        messages.warnings.append(feed.message(row, "weight_grams", column, message))
        return {}
    return {"weight_grams": grams}


def _prices(row: FeedRow, feed: Feed, messages: RowMessages) -> dict[str, object]:
    """Return the price, and the compare-at price if the file has sale prices."""
    if not {"price", "sale_price"} & feed.columns.keys():
        return {}
    price = _price(row, "price", feed, messages)
    if "sale_price" not in feed.columns:
        return {"price": price.text if price else None}
    sale = _price(row, "sale_price", feed, messages)
    if price is None:
        price, sale = sale, None
    if sale and price and 0 < sale.value < price.value and _is_on_sale(row, feed, messages):
        return {"price": sale.text, "compare_at_price": price.text}
    return {"price": price.text if price else None, "compare_at_price": None}


def _price(row: FeedRow, column: str, feed: Feed, messages: RowMessages) -> Price | None:
    try:
        price = parse_price(row.get(column))
    except InvalidValueError as error:
        messages.errors.append(feed.message(row, "price", column, str(error)))
        return None
    if price and price.currency:
        feed.currencies.setdefault(price.currency, row.line)
    return price


def _is_on_sale(row: FeedRow, feed: Feed, messages: RowMessages) -> bool:
    period = row.get("sale_price_effective_date")
    if not period:
        return True
    try:
        return is_within(period, feed.now)
    except InvalidValueError as error:
        message = f"{error}: the sale price is ignored"
        messages.warnings.append(
            feed.message(row, "compare_at_price", "sale_price_effective_date", message)
        )
        return False


def _stock(row: FeedRow, feed: Feed, messages: RowMessages) -> dict[str, object]:
    """Return stock quantity and tracking.

    Without a quantity, only sold-out items have a known stock. Items that are made or delivered on
    order can be bought regardless of their stock.
    """
    words = " ".join(row.get("availability").lower().replace("_", " ").replace("-", " ").split())
    if words and words not in _SOLD_OUT | _IN_STOCK | _ON_ORDER:
        message = f"Unknown availability '{escape_control(words, 60)}': ignored"
        messages.warnings.append(feed.message(row, "stock_quantity", "availability", message))
    if words in _SOLD_OUT:
        return {"stock_quantity": 0, "track_stock": True}
    values: dict[str, object] = {}
    if row.get("quantity"):
        values["stock_quantity"] = cell_parsers.parse_integer(row.get("quantity"))
        values["track_stock"] = True
    if words in _ON_ORDER:
        values["track_stock"] = False
    return values
