"""Delivery URLs of images at Cloudinary, built without requests."""

import re
from urllib.parse import quote

from eggypro_core.domain.image import Transformation

_is_versioned = re.compile("v[0-9]").match


def delivery_url(
    cloud_name: str, public_id: str, transformation: Transformation | None = None
) -> str:
    """Return the https URL of an image, transformed or, without transformation, the original.

    Equals the URL that the SDK builds, except for ids with percent signs or empty segments.
    """
    step = f"{_step(transformation)}/" if transformation else ""
    # Any version stops Cloudinary from reading the folder that follows as a transformation.
    version = "v1/" if "/" in public_id and not _is_versioned(public_id) else ""
    name = quote(public_id, safe="/:").replace("~", "%7E")
    return f"https://res.cloudinary.com/{cloud_name}/image/upload/{step}{version}{name}"


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
