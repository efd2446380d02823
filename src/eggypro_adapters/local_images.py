"""Images in a folder: each original, and the sizes that somebody asked for, as whole files."""

import errno
import fcntl
import hmac
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from attrs import evolve, field, frozen

from eggypro_core.domain.image import (
    ORIGINAL,
    PRODUCT_IMAGE_FOLDER,
    RENDITIONS,
    SIGNED_UPLOAD_LIFETIME,
    CleanImage,
    ImageFormat,
    ServedImage,
    SignedUpload,
    StoredImage,
    Transformation,
    image_not_found,
    is_public_id,
    public_id_in,
    require_public_id,
    unsupported_transformation,
)
from eggypro_core.errors import ForbiddenError, UnavailableError
from eggypro_core.ports import ImageCleaner

UPLOADS_URL = "/images/uploads"
"""Where signed uploads are received."""
_NAMES: dict[Transformation | None, str] = {made: name for name, made in RENDITIONS.items()}
_NAMES[None] = ORIGINAL


@frozen
class LocalImageStore:
    """Keeps each image in a folder of its own, with its original in it from the first moment.

    `folder/name` is in `folder/name.image`: no id has a dot, so none is in another one's way. The
    original is `original.WIDTHxHEIGHT.FORMAT`, the others are `RENDITION.FORMAT`. Uploads are
    signed with the secret.
    """

    _root: Path
    _cleaner: ImageCleaner
    _secret: str = field(repr=False)

    def upload(
        self,
        content: BinaryIO,
        *,
        folder: str = PRODUCT_IMAGE_FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        found = public_id_in(folder, secrets.token_hex(16) if public_id is None else public_id)
        image = self._cleaner.clean(content, transformation)
        with _translated():
            self._keep(image, self._home(found))
        return self.get(found)

    def get(self, public_id: str) -> StoredImage:
        with _translated(public_id):
            original = _original(self._home(public_id))
            width, height = original.suffixes[0].removeprefix(".").split("x")
            return StoredImage(
                public_id=public_id,
                width=int(width),
                height=int(height),
                format=_format(original),
                size=original.stat().st_size,
            )

    def delete(self, public_id: str) -> None:
        with _translated(), self._unfinished() as waste, suppress(FileNotFoundError):
            self._home(public_id).rename(waste)

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        if transformation not in _NAMES:
            raise unsupported_transformation()
        return f"/images/{require_public_id(public_id)}/{_NAMES[transformation]}"

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        found, expires = public_id_in(folder, public_id), at + SIGNED_UPLOAD_LIFETIME
        until = str(int(expires.timestamp()))
        fields = {"public_id": found, "expires": until, "signature": self._signature(found, until)}
        return SignedUpload(url=UPLOADS_URL, fields=fields, expires_at=expires)

    def receive_upload(
        self, fields: Mapping[str, str], content: BinaryIO, at: datetime
    ) -> StoredImage:
        public_id, until = fields.get("public_id", ""), fields.get("expires", "")
        expected = self._signature(public_id, until).encode()
        if not hmac.compare_digest(fields.get("signature", "").encode(), expected):
            raise ForbiddenError("The upload is not signed, or not as it was")
        if at >= datetime.fromtimestamp(int(until), UTC):
            raise ForbiddenError("The time for this upload is over")
        folder, _, name = public_id.rpartition("/")
        return self.upload(content, folder=folder, public_id=name)

    def check(self) -> None:
        with _translated(), self._unfinished() as place:
            _write(place / "check", b"check")

    def open(self, public_id: str, rendition: str, *, accepts_webp: bool) -> ServedImage:
        with _translated(public_id):
            home = self._home(public_id)
            if rendition == ORIGINAL:
                return _opened(_original(home))
            if rendition not in RENDITIONS:
                raise FileNotFoundError
            path = home / f"{rendition}.{'webp' if accepts_webp else _unlike_webp(_original(home))}"
            with suppress(FileNotFoundError):
                return _opened(path)
            self._render(_original(home), path)
            return _opened(path)

    def _home(self, public_id: str) -> Path:
        if not is_public_id(public_id):
            raise FileNotFoundError
        return self._root / f"{public_id}.image"

    def _keep(self, image: CleanImage, home: Path) -> None:
        """Have the image appear at once, or leave the one that is there."""
        with self._unfinished() as place:
            size = f"{image.width}x{image.height}"
            _write(place / f"{ORIGINAL}.{size}.{image.format}", image.content)
            _sync(place)
            home.parent.mkdir(parents=True, exist_ok=True)
            try:
                place.rename(home)
            except OSError as error:
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:  # the id is taken
                    raise
            _sync(home.parent)

    def _render(self, original: Path, path: Path) -> None:
        """Make a rendition, unless somebody else does: then wait until they have."""
        with original.open("rb") as source:
            fcntl.flock(source, fcntl.LOCK_EX)
            if path.exists():
                return
            made = evolve(RENDITIONS[path.stem], format=ImageFormat(_format(path)))
            image = self._cleaner.clean(source, made)
            with self._unfinished() as place:
                _write(place / path.name, image.content)
                (place / path.name).replace(path)

    @contextmanager
    def _unfinished(self) -> Iterator[Path]:
        """Give a new folder on the same disk. What is still in it in the end is thrown away."""
        place = self._root / ".unfinished" / secrets.token_hex(8)
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _signature(self, *signed: str) -> str:
        text = "\n".join(("eggypro upload", *signed))
        return hmac.digest(self._secret.encode(), text.encode(), "sha256").hex()


@contextmanager
def _translated(public_id: str | None = None) -> Iterator[None]:
    """Raise the core's errors for those of the system; what is missing is the image, if given."""
    try:
        yield
    except OSError as error:
        if public_id is not None and isinstance(error, FileNotFoundError):
            raise image_not_found(public_id) from None
        raise UnavailableError(f"The folder of images: {error.strerror}") from error


def _original(home: Path) -> Path:
    """Return the file of the original. It is gone while the folder is being deleted."""
    for path in home.iterdir():
        if path.name.startswith(f"{ORIGINAL}."):
            return path
    raise FileNotFoundError


def _format(path: Path) -> str:
    return path.suffix.removeprefix(".")


def _unlike_webp(original: Path) -> str:
    """Return the format for who cannot show WebP; PNG is the one that may be transparent."""
    return "jpg" if _format(original) == "jpg" else "png"


def _opened(path: Path) -> ServedImage:
    stream = path.open("rb")
    facts = os.fstat(stream.fileno())
    tag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}"
    return ServedImage(stream=stream, size=facts.st_size, format=_format(path), etag=tag)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have the disk know what is in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
