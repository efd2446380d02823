"""What an upload holds, made fit to publish."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL.Image import DecompressionBombError, DecompressionBombWarning, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from eggypro_adapters.pillow.pictures import Options, encode, own_quality, quality_for, render
from eggypro_core.domain.image import (
    MAX_PIXELS,
    MAX_UPLOAD_BYTES,
    CleanImage,
    ImageFormat,
    Transformation,
    animated_image,
    damaged_image,
    file_too_large,
    invalid_file_type,
    too_many_pixels,
)
from eggypro_core.errors import EggyProError

_PNG_END = b"IEND\xaeB`\x82"
_SCAN = b"\xff\xda"
_MAX_JPEG_SCANS = 250
"""How often a JPEG may go over its pixels: a few bytes are enough to ask for it once more."""


def clean_upload(data: bytes, transformation: Transformation | None) -> CleanImage:
    """Return what an ImageCleaner makes of a file."""
    picture, kind, own = _decoded(data, transformation)
    if transformation and transformation.format is not ImageFormat.AUTO:
        kind = transformation.format.value
    content = encode(picture, kind, quality_for(kind, transformation) if transformation else own)
    if len(content) > MAX_UPLOAD_BYTES:  # it was packed better than we do it
        content = encode(picture, kind, quality_for(kind, Transformation()))
    if len(content) > MAX_UPLOAD_BYTES:
        raise file_too_large()
    return CleanImage(content=content, width=picture.width, height=picture.height, format=kind)


def _decoded(data: bytes, transformation: Transformation | None) -> tuple[Image, str, Options]:
    """Return the picture in a file, its format and its quality; nothing else stays in memory."""
    with _decoding():
        image, kind = _opened(data)
        return render(image, transformation), kind, own_quality(image)


def _opened(data: bytes) -> tuple[ImageFile, str]:
    """Return an image, of which no pixel is decoded yet, and its format."""
    stream = BytesIO(data)
    if data.startswith(b"\xff\xd8\xff"):
        if data.count(_SCAN) > _MAX_JPEG_SCANS:
            raise damaged_image()
        return _fit(JpegImageFile(stream)), "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        if _PNG_END not in data:  # without which Pillow is content
            raise damaged_image()
        return _fit(PngImageFile(stream)), "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _fit(WebPImageFile(stream)), "webp"
    raise invalid_file_type()


def _fit(image: ImageFile) -> ImageFile:
    if image.width * image.height > MAX_PIXELS:
        raise too_many_pixels()
    if getattr(image, "n_frames", 1) > 1:
        raise animated_image()
    return image


@contextmanager
def _decoding() -> Iterator[None]:
    """Pillow raises whatever it stumbles over in a file: that file is damaged, then."""
    try:
        yield
    except (EggyProError, MemoryError):
        raise
    except (DecompressionBombError, DecompressionBombWarning):
        raise too_many_pixels() from None
    except Exception as error:
        raise damaged_image() from error
