"""The images that a product's rows name, in their order."""

import re
from collections.abc import Mapping, Sequence

from eggypro_adapters.files.cells import cut
from eggypro_core.rules import printable

_MOST = 50
_ALT = 255
_LONGEST = 2048
_ADDRESS = re.compile(r"""https://[^\s/"<>\\^`{|}\x00-\x1f][^\s"<>\\^`{|}\x00-\x1f]*""")
_SCHEME = re.compile(r"\A(https?:)?//", re.IGNORECASE)
_LAST = 10**9


def images(
    rows: Sequence[Mapping[str, str]],
) -> tuple[list[dict[str, str | None]], list[str]]:
    """Return the images, by position and then row, and warnings of those that are left out.

    Images of variants follow, where they are none of the product's own.
    """
    own = sorted((row for row in rows if row.get("image")), key=_position)
    named = [(row["image"], row.get("alt", "")) for row in own]
    named += [(row["variant_image"], "") for row in rows if row.get("variant_image")]
    found: dict[str, str | None] = {}
    warnings = []
    for text, alt in named:
        address = text if text.startswith("https:") else _SCHEME.sub("https://", text, count=1)
        if not _ADDRESS.fullmatch(address) or len(address) > _LONGEST:
            warnings.append(f"'{printable(text)}' is not an absolute address: left out")
        elif address not in found:
            found[address] = cut(alt, _ALT) or None
            if len(alt) > _ALT:
                warnings.append(f"The alt text of an image is longer than {_ALT} characters: cut")
    if len(found) > _MOST:
        warnings.append(f"{len(found)} images: the first {_MOST} are kept")
    kept = [{"ref": address, "alt": alt} for address, alt in found.items()]
    return kept[:_MOST], list(dict.fromkeys(warnings))


def _position(row: Mapping[str, str]) -> int:
    text = row.get("position", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else _LAST
