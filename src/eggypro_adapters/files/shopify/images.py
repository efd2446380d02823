"""Collect the images of a product from its rows."""

import re
from collections.abc import Mapping, Sequence

from eggypro_adapters.files.images import product_images
from eggypro_adapters.files.row_messages import RowMessages

_LAST_POSITION = 10**9


def images_of_rows(
    rows: Sequence[Mapping[str, str]], messages: RowMessages
) -> list[dict[str, str | None]]:
    """Return the images, ordered by position and row, and warn about ignored ones.

    Images of variants that the product does not have yet follow.
    """
    own = sorted((row for row in rows if row.get("image")), key=_position)
    images = [(row["image"], row.get("alt", "")) for row in own]
    images += [(row["variant_image"], "") for row in rows if row.get("variant_image")]
    return product_images(images, messages)


def _position(row: Mapping[str, str]) -> int:
    text = row.get("position", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else _LAST_POSITION
