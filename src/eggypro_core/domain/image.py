"""Images of products: what may be uploaded, what they are called, and the sizes they come in."""

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
"""Where the images of products are kept."""
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
"""How many bytes an upload may have."""
MAX_PIXELS = 40_000_000
UPLOAD_FORMATS = ("jpg", "png", "webp")
"""What an upload may be, by the names that StoredImage uses."""
ORIGINAL = "original"
"""The name of the image as it was uploaded, upright and without metadata."""
MAX_SIDE_PIXELS = 10_000
SIGNED_UPLOAD_LIFETIME = timedelta(hours=1)
"""How long a signed upload may be made use of."""


class Crop(StrEnum):
    """How an image is brought to a width and a height.

    LIMIT and FIT keep all of it in its proportions, LIMIT never enlarges; FILL and THUMB fill the
    whole frame and cut what stands out; SCALE distorts.
    """

    FILL = "fill"
    FIT = "fit"
    LIMIT = "limit"
    THUMB = "thumb"
    SCALE = "scale"


class ImageFormat(StrEnum):
    """How an image is sent; AUTO is the best that its viewer says it can show."""

    AUTO = "auto"
    WEBP = "webp"
    JPG = "jpg"
    PNG = "png"


@frozen(kw_only=True)
class Transformation:
    """What is made of an image on its way out, or in. A side that is None follows the other."""

    width: int | None = None
    height: int | None = None
    crop: Crop = Crop.LIMIT
    quality: int | Literal["auto"] = "auto"
    format: ImageFormat = ImageFormat.AUTO

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "Transformation":
        """Check what came from outside. Raises ValidationError with every fault of it."""
        also = (
            [_CROP_WITHOUT_SIZE]
            if "crop" in values and not values.keys() & {"width", "height"}
            else []
        )
        return cls(**fields.check(values, _TRANSFORMATION_FIELDS, errors=also))


RENDITIONS: Mapping[str, Transformation] = {
    "optimized": Transformation(width=800, quality=80),
    "thumbnail": Transformation(width=400, height=400, crop=Crop.FILL),
    "400w": Transformation(width=400),
    "800w": Transformation(width=800),
    "1200w": Transformation(width=1200),
}
"""What every image is served as, beside its original."""
RESPONSIVE_RENDITIONS = ("400w", "800w", "1200w")
ImageUrlBuilder: TypeAlias = Callable[[str, Transformation | None], str]
"""Returns where the image of a public id is, made into something; as it is for None."""


@frozen(kw_only=True)
class StoredImage:
    """An image in a store. `size` is in bytes, `format` one of FORMATS if we put it there.

    `public_id` holds the folder. An image never changes: what it is called is for ever.
    """

    public_id: str
    width: int
    height: int
    format: str
    size: int


@frozen(kw_only=True)
class CleanImage:
    """An image that may be published: upright, in sRGB, and nothing in it but the picture."""

    content: bytes
    width: int
    height: int
    format: str


@frozen(kw_only=True)
class ServedImage:
    """An open file of an image, for who sends it to close. Its `tag` is its own for ever."""

    stream: BinaryIO
    size: int
    format: str
    etag: str


@frozen(kw_only=True)
class SignedUpload:
    """What a browser needs to upload one file by itself: a form, as `multipart/form-data`.

    The file is its last part, `file`, behind the `fields`. After `expires_at` it is refused.
    """

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


@frozen(kw_only=True)
class ImageSet:
    """An image of a product as the storefront gets it: its addresses, and what is known of it."""

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
    """Return the address of an image in a shop that keeps none: its id alone."""
    return public_id


def image_set(
    ref: str,
    image_url: ImageUrlBuilder,
    *,
    alt: str | None = None,
    stored: StoredImage | None = None,
) -> ImageSet:
    """Return the set of the image that a product refers to, with what is known of it.

    One that is kept elsewhere (an https address) is at that one address in all sizes.
    """
    ours = not is_external(ref)
    found = {name: image_url(ref, made) if ours else ref for name, made in RENDITIONS.items()}
    return ImageSet(
        public_id=ref if ours else None,
        original=image_url(ref, None) if ours else ref,
        optimized=found["optimized"],
        thumbnail=found["thumbnail"],
        responsive={name: found[name] for name in RESPONSIVE_RENDITIONS},
        width=stored.width if stored else None,
        height=stored.height if stored else None,
        format=stored.format if stored else None,
        size=stored.size if stored else None,
        alt=alt,
    )


def image_id_from(text: str, image_url: ImageUrlBuilder) -> str | None:
    """Return the id of our own image that a text refers to: the id itself, or one of its addresses.

    It need not be there. None is returned for all else, such as an image elsewhere.
    """
    found = _OWN_ID_PATTERN.search(text[:_MAX_URL_LENGTH])
    if found is None or not is_public_id(found[0]):
        return None
    addresses = (image_url(found[0], made) for made in _SERVED_TRANSFORMATIONS)
    return found[0] if text == found[0] or text in addresses else None


def is_external(ref: str) -> bool:
    """Whether a reference is the address of an image that is not in our store."""
    return ref.startswith("https://")


def is_public_id(text: str) -> bool:
    """Whether a text can be what an image is called: names between slashes, the last its own.

    It needs no escaping in an address, and names no place but below the store's root.
    """
    return len(text) <= _MAX_ID_LENGTH and _match_public_id(text) is not None


def public_id_in(folder: str, name: str) -> str:
    """Return what an image of that name in a folder is called. Raises ValidationError."""
    return require_public_id(f"{folder}/{name}")


def require_public_id(text: str) -> str:
    """Return a text that can be what an image is called. Raises ValidationError for any other."""
    if not is_public_id(text):
        raise ValidationError(
            [FieldError("public_id", f"'{fields.escape_control(text)}' {_INVALID_ID_MESSAGE}")]
        )
    return text


def require_displayable(image: StoredImage) -> None:
    """Raise ValidationError or TooLargeError unless an image may be shown, however it came in."""
    if image.size > MAX_UPLOAD_BYTES:
        raise file_too_large()
    if image.format not in UPLOAD_FORMATS:
        raise invalid_file_type()
    if image.width * image.height > MAX_PIXELS:
        raise too_many_pixels()


def file_too_large() -> TooLargeError:
    """Return the refusal of a file of more than HIGHEST_SIZE."""
    return TooLargeError("File size exceeds 10MB limit")


def invalid_file_type() -> ValidationError:
    """Return the refusal of a file that is none of FORMATS."""
    return _file_error("Invalid file type. Only JPEG, PNG, and WebP are allowed")


def too_many_pixels() -> ValidationError:
    """Return the refusal of an image of more than MAX_PIXELS."""
    return _file_error("Image has more than 40 megapixels")


def animated_image() -> ValidationError:
    """Return the refusal of an image of several frames."""
    return _file_error("Image is animated: only one frame is allowed")


def damaged_image() -> ValidationError:
    """Return the refusal of an image that cannot be decoded to its end."""
    return _file_error("Image cannot be read: the file is damaged or incomplete")


def image_not_found(public_id: str) -> NotFoundError:
    """Return the refusal of an image that is not there."""
    return NotFoundError(f"There is no image '{fields.escape_control(public_id)}'", kind="image")


def images_not_found(refs: Iterable[str]) -> ValidationError:
    """Return the refusal of a product with images that are not in our store."""
    return ValidationError(
        [FieldError("images", str(image_not_found(ref))) for ref in sorted(refs)]
    )


def unsupported_transformation() -> ValidationError:
    """Return the refusal of a transformation by a store that serves only RENDITIONS."""
    names = ", ".join([ORIGINAL, *RENDITIONS])
    return ValidationError([FieldError("transformation", f"Images are served only as {names}")])


def _file_error(sentence: str) -> ValidationError:
    return ValidationError([FieldError("file", sentence)])


def _parse_quality(value: object) -> object:
    return value if value == "auto" else fields.integer_between("Quality", 1, 100)(value)


_MAX_ID_LENGTH = 200
_MAX_URL_LENGTH = 2048
_OWN_ID_PATTERN = re.compile(f"{PRODUCT_IMAGE_FOLDER}/[a-z0-9_-]+")
_SERVED_TRANSFORMATIONS: tuple[Transformation | None, ...] = (None, *RENDITIONS.values())
_match_public_id = re.compile("[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*").fullmatch
_INVALID_ID_MESSAGE = (
    "is no public id: lowercase letters, digits, - and _, in folders by /, at most 200"
)
_CROP_WITHOUT_SIZE = FieldError("crop", "Crop needs a width or a height")
_TRANSFORMATION_FIELDS: Mapping[str, fields.Validator] = {
    "width": fields.integer_between("Width", 1, MAX_SIDE_PIXELS),
    "height": fields.integer_between("Height", 1, MAX_SIDE_PIXELS),
    "crop": one_of("Crop", Crop),
    "quality": _parse_quality,
    "format": one_of("Format", ImageFormat),
}
