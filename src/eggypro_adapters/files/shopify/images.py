"""Collect the images of a product from its rows."""

import re
from collections.abc import Mapping, Sequence

_LAST_POSITION = 10**9


def images_of_rows(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str | None]]:
    """Return the images, ordered by position and row, each once; those of variants follow.

    Images have an `alt` if the file has that column.
    """
    own = sorted((row for row in rows if row.get("image")), key=_position)
    alts: dict[str, str] = {}
    for row in own:
        ref = row["image"]
        alts[ref] = alts.get(ref) or row.get("alt", "")
    for row in rows:
        if image := row.get("variant_image"):
            alts.setdefault(image, "")
    if "alt" not in rows[0]:
        return [{"ref": ref} for ref in alts]
    return [{"ref": ref, "alt": alt or None} for ref, alt in alts.items()]


def _position(row: Mapping[str, str]) -> int:
    text = row.get("position", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else _LAST_POSITION
