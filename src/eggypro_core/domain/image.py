"""Images of products: what may be uploaded, what they are called, and the sizes they come in."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Literal, TypeAlias

from attrs import frozen

from eggypro_core.errors import Fault, InvalidError, NotFoundError, TooLargeError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import one_of

FOLDER = "eggypro-products"
"""Where the images of products are kept."""
HIGHEST_SIZE = 10 * 1024 * 1024
"""How many bytes an upload may have."""
HIGHEST_PIXELS = 40_000_000
FORMATS = ("jpg", "png", "webp")
"""What an upload may be, by the names that StoredImage uses."""
ORIGINAL = "original"
"""The name of the image as it was uploaded, upright and without metadata."""
HIGHEST_WIDTH = 10_000
UPLOAD_TIME = timedelta(hours=1)
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
    def read(cls, values: Mapping[str, object]) -> "Transformation":
        """Check what came from outside. Raises InvalidError with every fault of it."""
        also = [_NO_FRAME] if "crop" in values and not values.keys() & {"width", "height"} else []
        return cls(**fields.check(values, _TRANSFORMATION, also=also))


RENDITIONS: Mapping[str, Transformation] = {
    "optimized": Transformation(width=800, quality=80),
    "thumbnail": Transformation(width=400, height=400, crop=Crop.FILL),
    "400w": Transformation(width=400),
    "800w": Transformation(width=800),
    "1200w": Transformation(width=1200),
}
"""What every image is served as, beside its original."""
RESPONSIVE = ("400w", "800w", "1200w")
AddressOf: TypeAlias = Callable[[str, Transformation | None], str]
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
    tag: str


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


def nowhere(public_id: str, _: Transformation | None) -> str:
    """Return the address of an image in a shop that keeps none: its id alone."""
    return public_id


def image_set(
    ref: str, address: AddressOf, *, alt: str | None = None, stored: StoredImage | None = None
) -> ImageSet:
    """Return the set of the image that a product refers to, with what is known of it.

    One that is kept elsewhere (an https address) is at that one address in all sizes.
    """
    ours = not is_elsewhere(ref)
    found = {name: address(ref, made) if ours else ref for name, made in RENDITIONS.items()}
    return ImageSet(
        public_id=ref if ours else None,
        original=address(ref, None) if ours else ref,
        optimized=found["optimized"],
        thumbnail=found["thumbnail"],
        responsive={name: found[name] for name in RESPONSIVE},
        width=stored.width if stored else None,
        height=stored.height if stored else None,
        format=stored.format if stored else None,
        size=stored.size if stored else None,
        alt=alt,
    )


def own_id(text: str, address: AddressOf) -> str | None:
    """Return the id of our own image that a text refers to: the id itself, or one of its addresses.

    It need not be there. None is returned for all else, such as an image elsewhere.
    """
    found = _OWN.search(text[:_LONGEST_ADDRESS])
    if found is None or not is_public_id(found[0]):
        return None
    addresses = (address(found[0], made) for made in _SERVED)
    return found[0] if text == found[0] or text in addresses else None


def is_elsewhere(ref: str) -> bool:
    """Whether a reference is the address of an image that is not in our store."""
    return ref.startswith("https://")


def is_public_id(text: str) -> bool:
    """Whether a text can be what an image is called: names between slashes, the last its own.

    It needs no escaping in an address, and names no place but below the store's root.
    """
    return len(text) <= _LONGEST_ID and _is_public_id(text) is not None


def public_id_in(folder: str, name: str) -> str:
    """Return what an image of that name in a folder is called. Raises InvalidError."""
    return require_public_id(f"{folder}/{name}")


def require_public_id(text: str) -> str:
    """Return a text that can be what an image is called. Raises InvalidError for any other."""
    if not is_public_id(text):
        raise InvalidError([Fault("public_id", f"'{fields.printable(text)}' {_NO_ID}")])
    return text


def require_image(image: StoredImage) -> None:
    """Raise InvalidError or TooLargeError unless an image may be shown, however it came in."""
    if image.size > HIGHEST_SIZE:
        raise too_large()
    if image.format not in FORMATS:
        raise not_an_image()
    if image.width * image.height > HIGHEST_PIXELS:
        raise too_many_pixels()


def too_large() -> TooLargeError:
    """Return the refusal of a file of more than HIGHEST_SIZE."""
    return TooLargeError("File size exceeds 10MB limit")


def not_an_image() -> InvalidError:
    """Return the refusal of a file that is none of FORMATS."""
    return _file("Invalid file type. Only JPEG, PNG, and WebP are allowed")


def too_many_pixels() -> InvalidError:
    """Return the refusal of an image of more than HIGHEST_PIXELS."""
    return _file("Image has more than 40 megapixels")


def animated() -> InvalidError:
    """Return the refusal of an image of several frames."""
    return _file("Image is animated: only one frame is allowed")


def damaged() -> InvalidError:
    """Return the refusal of an image that cannot be decoded to its end."""
    return _file("Image cannot be read: the file is damaged or incomplete")


def image_absent(public_id: str) -> NotFoundError:
    """Return the refusal of an image that is not there."""
    return NotFoundError(f"There is no image '{fields.printable(public_id)}'", kind="image")


def no_images(refs: Iterable[str]) -> InvalidError:
    """Return the refusal of a product with images that are not in our store."""
    return InvalidError([Fault("images", str(image_absent(ref))) for ref in sorted(refs)])


def transformation_unserved() -> InvalidError:
    """Return the refusal of a transformation by a store that serves only RENDITIONS."""
    names = ", ".join([ORIGINAL, *RENDITIONS])
    return InvalidError([Fault("transformation", f"Images are served only as {names}")])


def _file(sentence: str) -> InvalidError:
    return InvalidError([Fault("file", sentence)])


def _quality(value: object) -> object:
    return value if value == "auto" else fields.whole("Quality", 1, 100)(value)


_LONGEST_ID = 200
_LONGEST_ADDRESS = 2048
_OWN = re.compile(f"{FOLDER}/[a-z0-9_-]+")
_SERVED: tuple[Transformation | None, ...] = (None, *RENDITIONS.values())
_is_public_id = re.compile("[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*").fullmatch
_NO_ID = "is no public id: lowercase letters, digits, - and _, in folders by /, at most 200"
_NO_FRAME = Fault("crop", "Crop needs a width or a height")
_TRANSFORMATION: Mapping[str, fields.Rule] = {
    "width": fields.whole("Width", 1, HIGHEST_WIDTH),
    "height": fields.whole("Height", 1, HIGHEST_WIDTH),
    "crop": one_of("Crop", Crop),
    "quality": _quality,
    "format": one_of("Format", ImageFormat),
}
