"""The images that a product's rows name, in their order."""

import re
from collections.abc import Mapping, Sequence

from eggypro_adapters.files.images import product_images
from eggypro_adapters.files.row_messages import RowMessages

_LAST = 10**9


def images_of_rows(
    rows: Sequence[Mapping[str, str]], notes: RowMessages
) -> list[dict[str, str | None]]:
    """Return the images, by position and then row, and warn of those that are left out.

    Images of variants follow, where they are none of the product's own.
    """
    own = sorted((row for row in rows if row.get("image")), key=_position)
    named = [(row["image"], row.get("alt", "")) for row in own]
    named += [(row["variant_image"], "") for row in rows if row.get("variant_image")]
    return product_images(named, notes)


def _position(row: Mapping[str, str]) -> int:
    text = row.get("position", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else _LAST
