"""Product images: upload limits, public IDs, renditions and transformations."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Literal, TypeAlias

from attrs import frozen

from eggypro_core.errors import FieldError, NotFoundError, TooLargeError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import one_of

PRODUCT_IMAGE_FOLDER = "eggypro-products"
"""The folder of product images in the image store."""
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
"""The maximum size of an upload."""
MAX_PIXELS = 40_000_000
MAX_IMAGE_SIDE_PIXELS = 16_000
"""The maximum width and height of an upload. WebP can hold 16,383."""
UPLOAD_FORMATS = ("jpg", "png", "webp")
"""The accepted formats of uploads, as named in `StoredImage.format`."""
ORIGINAL = "original"
"""The name of the full-size image, rotated upright and without metadata."""
MAX_TRANSFORMED_SIDE_PIXELS = 10_000
SIGNED_UPLOAD_LIFETIME = timedelta(hours=1)
"""The lifetime of a signed upload."""


class Crop(StrEnum):
    """The method of resizing an image to a width and a height.

    LIMIT and FIT keep the whole image and its aspect ratio, and LIMIT never enlarges it; FILL and
    THUMB fill the frame and crop the rest; SCALE ignores the aspect ratio.
    """

    FILL = "fill"
    FIT = "fit"
    LIMIT = "limit"
    THUMB = "thumb"
    SCALE = "scale"


class ImageFormat(StrEnum):
    """The format of a served image; AUTO is the best one that the client accepts."""

    AUTO = "auto"
    WEBP = "webp"
    JPG = "jpg"
    PNG = "png"


@frozen(kw_only=True)
class Transformation:
    """A transformation of an image, on upload or delivery. A side of None follows the other."""

    width: int | None = None
    height: int | None = None
    crop: Crop = Crop.LIMIT
    quality: int | Literal["auto"] = "auto"
    format: ImageFormat = ImageFormat.AUTO

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "Transformation":
        """Validate input values. Raises ValidationError with all errors."""
        is_unsized = "crop" in values and not values.keys() & {"width", "height"}
        errors = [_CROP_WITHOUT_SIZE] if is_unsized else []
        return cls(**fields.check(values, _TRANSFORMATION_FIELDS, errors=errors))


RENDITIONS: Mapping[str, Transformation] = {
    "optimized": Transformation(width=800, quality=80),
    "thumbnail": Transformation(width=400, height=400, crop=Crop.FILL),
    "400w": Transformation(width=400),
    "800w": Transformation(width=800),
    "1200w": Transformation(width=1200),
}
"""The renditions of every image, besides the original."""
RESPONSIVE_RENDITIONS = ("400w", "800w", "1200w")
ImageUrlBuilder: TypeAlias = Callable[[str, Transformation | None], str]
"""Returns the URL of an image, by public ID, after a transformation (None: the original)."""


@frozen(kw_only=True)
class StoredImage:
    """An image in the image store. `size` is in bytes; `public_id` includes the folder.

    `format` is one of UPLOAD_FORMATS if EggyPro uploaded the image. The content of a public ID
    never changes.
    """

    public_id: str
    width: int
    height: int
    format: str
    size: int


@frozen(kw_only=True)
class CleanImage:
    """A normalised image that is safe to publish: upright, in sRGB, without metadata."""

    content: bytes
    width: int
    height: int
    format: str


@frozen(kw_only=True)
class ServedImage:
    """The open file of an image, which the caller must close. The `etag` never changes."""

    stream: BinaryIO
    size: int
    format: str
    etag: str


@frozen(kw_only=True)
class SignedUpload:
    """A `multipart/form-data` form with which a browser uploads one file directly to the store.

    The last part is `file`, after all `fields`. The store rejects the form after `expires_at`.
    """

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


@frozen(kw_only=True)
class ImageSet:
    """The URLs of a product image in all sizes, and its metadata where known."""

    public_id: str | None
    original: str
    optimized: str
    thumbnail: str
    responsive: Mapping[str, str]
    width: int | None
    height: int | None
    format: str | None
    size: int | None
    alt: str | None


def no_image_url(public_id: str, _: Transformation | None) -> str:
    """Return the public ID itself: the URL of an image in a shop without an image store."""
    return public_id


def image_set(
    ref: str,
    image_url: ImageUrlBuilder,
    *,
    alt: str | None = None,
    stored: StoredImage | None = None,
) -> ImageSet:
    """Return the image set of a product's image reference.

    An external image (an https URL) has the same URL in all sizes.
    """
    is_own = not is_external(ref)
    urls = {
        name: image_url(ref, transformation) if is_own else ref
        for name, transformation in RENDITIONS.items()
    }
    return ImageSet(
        public_id=ref if is_own else None,
        original=image_url(ref, None) if is_own else ref,
        optimized=urls["optimized"],
        thumbnail=urls["thumbnail"],
        responsive={name: urls[name] for name in RESPONSIVE_RENDITIONS},
        width=stored.width if stored else None,
        height=stored.height if stored else None,
        format=stored.format if stored else None,
        size=stored.size if stored else None,
        alt=alt,
    )


def image_id_from(text: str, image_url: ImageUrlBuilder) -> str | None:
    """Return the public ID of the own image that a text refers to, by its ID or one of its URLs.

    The image need not exist. Any other text, such as the URL of an external image, returns None.
    """
    match = _OWN_ID_PATTERN.search(text[: fields.MAX_URL_LENGTH])
    if match is None or not is_public_id(match[0]):
        return None
    public_id = match[0]
    urls = (image_url(public_id, transformation) for transformation in _SERVED_TRANSFORMATIONS)
    is_own = text == public_id or any(_is_address(text, url) for url in urls)
    return public_id if is_own else None


def absolute_image_url(image_url: ImageUrlBuilder, public_url: str | None) -> ImageUrlBuilder:
    """Return `image_url` with absolute URLs: paths are below `public_url`, if there is one."""
    if public_url is None:
        return image_url

    def build(public_id: str, transformation: Transformation | None) -> str:
        url = image_url(public_id, transformation)
        return f"{public_url}{url}" if url.startswith("/") else url

    return build


def is_external(ref: str) -> bool:
    """Return whether a reference is the URL of an image outside the image store."""
    return ref.startswith("https://")


def is_public_id(text: str) -> bool:
    """Return whether a text is a valid public ID: a path of folders and a name.

    A valid public ID needs no escaping in URLs and cannot point outside the store's root.
    """
    return len(text) <= _MAX_ID_LENGTH and _match_public_id(text) is not None


def public_id_in(folder: str, name: str) -> str:
    """Return the public ID of an image in a folder. Raises ValidationError if it is invalid."""
    return require_public_id(f"{folder}/{name}")


def require_public_id(text: str) -> str:
    """Return the text if it is a valid public ID. Raises ValidationError otherwise."""
    if not is_public_id(text):
        raise ValidationError(
            [FieldError("public_id", f"'{fields.escape_control(text)}' {_INVALID_ID_MESSAGE}")]
        )
    return text


def require_displayable(image: StoredImage) -> None:
    """Raise ValidationError or TooLargeError unless a stored image meets the upload limits."""
    if image.size > MAX_UPLOAD_BYTES:
        raise file_too_large()
    if image.format not in UPLOAD_FORMATS:
        raise invalid_file_type()
    require_size(image.width, image.height)


def require_size(width: int, height: int, max_side: int = MAX_IMAGE_SIDE_PIXELS) -> None:
    """Raise ValidationError if an image has more than MAX_PIXELS, or a side above `max_side`."""
    if width * height > MAX_PIXELS:
        raise too_many_pixels()
    if max(width, height) > max_side:
        raise _file_error(
            f"Image has {width} x {height} pixels, but may have {max_side} on each side: resize it"
        )


def file_too_large() -> TooLargeError:
    """Return the error for a file larger than MAX_UPLOAD_BYTES."""
    return TooLargeError("File size exceeds 10MB limit")


def invalid_file_type() -> ValidationError:
    """Return the error for a file in none of the UPLOAD_FORMATS."""
    return _file_error("Invalid file type. Only JPEG, PNG, and WebP are allowed")


def too_many_pixels() -> ValidationError:
    """Return the error for an image of more than MAX_PIXELS."""
    return _file_error("Image has more than 40 megapixels")


def animated_image() -> ValidationError:
    """Return the error for an image with several frames."""
    return _file_error("Image is animated: only one frame is allowed")


def damaged_image() -> ValidationError:
    """Return the error for an image that cannot be decoded completely."""
    return _file_error("Image cannot be read: the file is damaged or incomplete")


def image_not_found(public_id: str) -> NotFoundError:
    """Return the error for an image that does not exist."""
    return NotFoundError(f"There is no image '{fields.escape_control(public_id)}'", kind="image")


def images_not_found(refs: Iterable[str]) -> ValidationError:
    """Return the error for a product with images that are not in the image store."""
    return ValidationError(
        [FieldError("images", str(image_not_found(ref))) for ref in sorted(refs)]
    )


def unsupported_transformation() -> ValidationError:
    """Return the error of a store that serves only RENDITIONS for another transformation."""
    names = ", ".join([ORIGINAL, *RENDITIONS])
    return ValidationError([FieldError("transformation", f"Images are served only as {names}")])


def _file_error(message: str) -> ValidationError:
    return ValidationError([FieldError("file", message)])


def _parse_quality(value: object) -> object:
    return value if value == "auto" else fields.integer_between("Quality", 1, 100)(value)


def _is_address(text: str, url: str) -> bool:
    """Return whether a text is a URL with any scheme, or the path of a URL."""
    host_and_path = url.partition("://")[2]
    path = host_and_path[host_and_path.find("/") :]
    return text in {url, f"https://{host_and_path}", f"http://{host_and_path}", path}


_MAX_ID_LENGTH = 200
_OWN_ID_PATTERN = re.compile(f"{PRODUCT_IMAGE_FOLDER}/[a-z0-9_-]+")
_SERVED_TRANSFORMATIONS: tuple[Transformation | None, ...] = (None, *RENDITIONS.values())
_match_public_id = re.compile("[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*").fullmatch
_INVALID_ID_MESSAGE = (
    "is not a public ID: use lowercase letters, digits, -, _ and / (at most 200 characters)"
)
_CROP_WITHOUT_SIZE = FieldError("crop", "Crop needs a width or a height")
_TRANSFORMATION_FIELDS: Mapping[str, fields.Validator] = {
    "width": fields.integer_between("Width", 1, MAX_TRANSFORMED_SIDE_PIXELS),
    "height": fields.integer_between("Height", 1, MAX_TRANSFORMED_SIDE_PIXELS),
    "crop": one_of("Crop", Crop),
    "quality": _parse_quality,
    "format": one_of("Format", ImageFormat),
}
