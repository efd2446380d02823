"""Fill brand, tags, GTIN and weight of products from attributes, in batches.

Imports stored these values in attributes before the fields existed. The attributes stay.
"""

import json
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.locks import IMPORT_LOCK, wait_for_lock
from eggypro_adapters.postgres.search_index import index_products
from eggypro_core.domain.gtin import is_gtin
from eggypro_core.domain.product import MAX_TAGS
from eggypro_core.domain.product_fields import TAGS
from eggypro_core.validation.fields import MAX_INTEGER

MAX_TEXT_LENGTH = 255
BATCH_SIZE = 500
"""Products of a batch: their rows are locked together."""
BACKFILL = "product_fields"
_GRAMS = re.compile(r"([0-9]{1,10}(?:\.[0-9]{1,10})?) g")
_POSITION = sa.text("SELECT after_id FROM backfills WHERE name = :name FOR UPDATE")
_SELECT = sa.text("""
    SELECT id, attributes, brand, tags, gtin, weight_grams FROM products
    WHERE id > :after_id ORDER BY id LIMIT :limit FOR NO KEY UPDATE
""")
_UPDATE = sa.text("""
    UPDATE products SET
      brand = coalesce(products.brand, new.brand),
      tags = CASE WHEN products.tags = '{}' AND new.tags IS NOT NULL
        THEN ARRAY(SELECT json_array_elements_text(new.tags)) ELSE products.tags END,
      gtin = coalesce(products.gtin, new.gtin),
      weight_grams = coalesce(products.weight_grams, new.weight_grams)
    FROM json_to_recordset(CAST(:rows AS json))
      AS new (id integer, brand text, tags json, gtin text, weight_grams integer)
    WHERE products.id = new.id
""")
_ADVANCE = sa.text("UPDATE backfills SET after_id = :after_id WHERE name = :name")
_COMPLETE = sa.text("DELETE FROM backfills WHERE name = :name")


def fill_product_fields(connection: sa.Connection) -> bool:
    """Fill the fields of a batch of products. Returns False if all products are done."""
    after_id = connection.scalar(_POSITION, {"name": BACKFILL})
    if after_id is None:
        return False
    wait_for_lock(connection, IMPORT_LOCK)  # an import locks rows in an order of its own
    rows = connection.execute(_SELECT, {"after_id": after_id, "limit": BATCH_SIZE}).all()
    if not rows:
        connection.execute(_COMPLETE, {"name": BACKFILL})
        return False
    filled = [{"id": row.id, **new} for row in rows if (new := _empty_fields(row))]
    if filled:
        connection.execute(_UPDATE, {"rows": json.dumps(filled)})
        index_products(connection, [row["id"] for row in filled])
    connection.execute(_ADVANCE, {"name": BACKFILL, "after_id": rows[-1].id})
    return True


def _empty_fields(row: sa.Row[Any]) -> dict[str, object]:
    """Return the values of the attributes whose fields are empty in a row."""
    values = fields_of_attributes(row.attributes)
    return {name: value for name, value in values.items() if getattr(row, name) in (None, [])}


def fields_of_attributes(attributes: Mapping[str, str]) -> dict[str, object]:
    """Return the fields that the attributes of a product hold, as far as they are valid."""
    brands = (attributes.get(name, "") for name in ("Vendor", "Brand"))
    tags = (tag.strip() for tag in attributes.get("Tags", "").split(","))
    gtin = attributes.get("Barcode", "").removeprefix("'")
    grams = _GRAMS.fullmatch(attributes.get("Weight", ""))
    weight = None if grams is None else Decimal(grams[1]).quantize(Decimal(1), ROUND_HALF_UP)
    fields: dict[str, object] = {
        "brand": next((brand for brand in brands if 0 < len(brand) <= MAX_TEXT_LENGTH), None),
        "tags": TAGS([tag for tag in tags if len(tag) <= MAX_TEXT_LENGTH][:MAX_TAGS]),
        "gtin": gtin if is_gtin(gtin) else None,
        "weight_grams": None if weight is None or weight > MAX_INTEGER else int(weight),
    }
    return {name: value for name, value in fields.items() if value not in (None, ())}
