"""Validate uploaded image files and re-encode them for publication."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL.Image import DecompressionBombError, DecompressionBombWarning, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from eggypro_adapters.pillow.jpeg_end import has_all_pixels, with_end_marker
from eggypro_adapters.pillow.pictures import (
    EncodingOptions,
    encode,
    encoding_options,
    original_encoding_options,
    render,
)
from eggypro_core.domain.image import (
    MAX_UPLOAD_BYTES,
    CleanImage,
    ImageFormat,
    Transformation,
    animated_image,
    damaged_image,
    file_too_large,
    invalid_file_type,
    require_size,
    too_many_pixels,
)
from eggypro_core.errors import EggyProError

_PNG_END = b"IEND\xaeB`\x82"
_SCAN = b"\xff\xda"
_MAX_JPEG_SCANS = 250
"""Scans of a JPEG: each decodes all pixels again, at the cost of a few bytes to an attacker."""


def clean_upload(data: bytes, transformation: Transformation | None, max_side: int) -> CleanImage:
    """Return the clean image of a file: see `ImageCleaner.clean`."""
    with _translate_errors():
        picture, kind, original_quality = _decode(data, transformation, max_side)
        if transformation and transformation.format is not ImageFormat.AUTO:
            kind = transformation.format.value
        quality = encoding_options(kind, transformation) if transformation else original_quality
        content = encode(picture, kind, quality)
        if len(content) > MAX_UPLOAD_BYTES:  # the original was compressed better
            content = encode(picture, kind, encoding_options(kind, Transformation()))
    if len(content) > MAX_UPLOAD_BYTES:
        raise file_too_large()
    return CleanImage(content=content, width=picture.width, height=picture.height, format=kind)


def _decode(
    data: bytes, transformation: Transformation | None, max_side: int
) -> tuple[Image, str, EncodingOptions]:
    """Return the picture in a file, its format and its quality; frees everything else."""
    image, kind = _open(data)
    require_size(image.width, image.height, max_side)
    try:
        picture = render(image, transformation)
    except OSError:
        if kind != "jpg" or not has_all_pixels(data):
            raise
        image, kind = _open(with_end_marker(data))
        picture = render(image, transformation)
    return picture, kind, original_encoding_options(image)


def _open(data: bytes) -> tuple[ImageFile, str]:
    """Return an image, not yet decoded, and its format."""
    stream = BytesIO(data)
    if data.startswith(b"\xff\xd8\xff"):
        if data.count(_SCAN) > _MAX_JPEG_SCANS:
            raise damaged_image()
        return _require_still_image(JpegImageFile(stream)), "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        if _PNG_END not in data:  # Pillow does not check it
            raise damaged_image()
        return _require_still_image(PngImageFile(stream)), "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _require_still_image(WebPImageFile(stream)), "webp"
    raise invalid_file_type()


def _require_still_image(image: ImageFile) -> ImageFile:
    if getattr(image, "n_frames", 1) > 1:
        raise animated_image()
    return image


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate errors of Pillow, which raises any exception for damaged files."""
    try:
        yield
    except (EggyProError, MemoryError):
        raise
    except (DecompressionBombError, DecompressionBombWarning):
        raise too_many_pixels() from None
    except Exception as error:
        raise damaged_image() from error
