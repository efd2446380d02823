"""Where Cloudinary delivers an image: its address, made without asking anybody."""

import re
from urllib.parse import quote

from eggypro_core.domain.image import Transformation

_is_versioned = re.compile("v[0-9]").match


def delivery_url(
    cloud_name: str, public_id: str, transformation: Transformation | None = None
) -> str:
    """Return the secure address of an image, made into something; without it, as it was uploaded.

    It is the one that the SDK makes, whatever the id holds but percent signs and empty names.
    """
    made = f"{_step(transformation)}/" if transformation else ""
    # A version, whichever, tells Cloudinary that the folder behind it is no transformation.
    version = "v1/" if "/" in public_id and not _is_versioned(public_id) else ""
    name = quote(public_id, safe="/:").replace("~", "%7E")
    return f"https://res.cloudinary.com/{cloud_name}/image/upload/{made}{version}{name}"


def _step(transformation: Transformation) -> str:
    has_frame = transformation.width or transformation.height
    values = {
        "c": transformation.crop if has_frame else None,
        "f": transformation.format,
        "h": transformation.height,
        "q": transformation.quality,
        "w": transformation.width,
    }
    return ",".join(f"{key}_{value}" for key, value in values.items() if value is not None)
