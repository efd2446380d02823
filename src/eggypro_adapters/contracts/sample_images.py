"""Sample images for tests, and helpers that inspect the results."""

import random
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

from eggypro_core.domain.image import CleanImage

RED, GREEN, BLUE = (250, 10, 10), (10, 200, 10), (10, 10, 250)
ORIENTATION, GPS, CAMERA = 0x0112, 0x8825, 0x010F


def make_image(kind: str = "jpg", size: tuple[int, int] = (60, 40), **options: Any) -> BytesIO:
    """Return an image file: left half red, upper right green, lower right blue."""
    return encode_image(paint_quarters(size), kind, **options)


def paint_quarters(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    width, height = size
    picture = Image.new("RGB", size, RED)
    picture.paste(GREEN, (width // 2, 0, width, height))
    picture.paste(BLUE, (width // 2, height // 2, width, height))
    return picture.convert(mode)


def encode_image(picture: Image.Image, kind: str = "jpg", **options: Any) -> BytesIO:
    stream = BytesIO()
    picture.save(stream, {"jpg": "JPEG"}.get(kind, kind), **options)
    stream.seek(0)
    return stream


def make_image_with_metadata(kind: str = "jpg", orientation: int = 1, **options: Any) -> BytesIO:
    """Return an image file with the EXIF, GPS and XMP data of a camera and an editor."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[CAMERA] = "Nikon of Ada"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    return make_image(kind, exif=exif, xmp=b"<x:xmpmeta>Ada was here</x:xmpmeta>", **options)


def make_noise(size: tuple[int, int], seed: int = 1) -> Image.Image:
    pixels = random.Random(seed).randbytes(size[0] * size[1] * 3)  # noqa: S311  (no secret)
    return Image.frombytes("RGB", size, pixels)


def make_png_of_size(width: int, height: int) -> BytesIO:
    """Return a PNG of few bytes whose header claims `width` x `height` pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))


def open_upright(image: CleanImage | BytesIO | bytes) -> Image.Image:
    """Return a file as a viewer decodes it."""
    content = image.content if isinstance(image, CleanImage) else image
    picture = Image.open(BytesIO(content) if isinstance(content, bytes) else content)
    picture.load()
    return picture


def corner_colours(picture: Image.Image) -> list[str]:
    """Return the colours of the corners: upper left, upper right, lower left, lower right."""
    width, height = picture.size
    across, down = (width // 8, width - 1 - width // 8), (height // 8, height - 1 - height // 8)
    plain = picture.convert("RGB")
    return [_nearest_colour(plain.getpixel((x, y))) for y in down for x in across]


def _nearest_colour(pixel: Any) -> str:
    colours = {
        "red": RED,
        "green": GREEN,
        "blue": BLUE,
        "white": (255, 255, 255),
        "black": (0, 0, 0),
    }
    return min(
        colours, key=lambda name: sum(abs(a - b) for a, b in zip(colours[name], pixel, strict=True))
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
