"""Image store in a local folder, which serves originals and renders renditions on request."""

import errno
import fcntl
import hmac
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from attrs import evolve, field, frozen

from eggypro_core.domain.image import (
    MAX_PIXELS,
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
from eggypro_core.errors import (
    ForbiddenError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
    ValidationError,
    is_storage_full,
)
from eggypro_core.ports import ImageCleaner

_log = logging.getLogger(__name__)
UPLOADS_URL = "/images/uploads"
"""URL path of signed uploads."""
_RENDITION_NAMES: dict[Transformation | None, str] = {
    transformation: name for name, transformation in RENDITIONS.items()
}
_RENDITION_NAMES[None] = ORIGINAL


@frozen
class LocalImageStore:
    """Store each image in its own folder, which is created together with the original.

    The folder of `folder/name` is `folder/name.image`: ids have no dots, so folders never collide.
    The original is `original.WIDTHxHEIGHT.FORMAT`, a rendition is `RENDITION.FORMAT`. Instead of a
    rendition that cannot be created, the original is served. Uploads are signed with `secret`.
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
        full_id = public_id_in(folder, secrets.token_hex(16) if public_id is None else public_id)
        image = self._cleaner.clean(content, transformation)
        with _translate_errors():
            self._store(image, self._image_folder(full_id))
        return self.get(full_id)

    def get(self, public_id: str) -> StoredImage:
        with _translate_errors(public_id):
            original = _original(self._image_folder(public_id))
            width, height = original.suffixes[0].removeprefix(".").split("x")
            return StoredImage(
                public_id=public_id,
                width=int(width),
                height=int(height),
                format=_format(original),
                size=original.stat().st_size,
            )

    def delete(self, public_id: str) -> None:
        with _translate_errors(), self._temporary_folder() as trash, suppress(FileNotFoundError):
            self._image_folder(public_id).rename(trash)

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        if transformation not in _RENDITION_NAMES:
            raise unsupported_transformation()
        return f"/images/{require_public_id(public_id)}/{_RENDITION_NAMES[transformation]}"

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        full_id, expires_at = public_id_in(folder, public_id), at + SIGNED_UPLOAD_LIFETIME
        expires = str(int(expires_at.timestamp()))
        signature = self._signature(full_id, expires)
        fields = {"public_id": full_id, "expires": expires, "signature": signature}
        return SignedUpload(url=UPLOADS_URL, fields=fields, expires_at=expires_at)

    def receive_upload(
        self, fields: Mapping[str, str], content: BinaryIO, at: datetime
    ) -> StoredImage:
        public_id, expires = fields.get("public_id", ""), fields.get("expires", "")
        expected = self._signature(public_id, expires).encode()
        if not hmac.compare_digest(fields.get("signature", "").encode(), expected):
            raise ForbiddenError("The signature of the upload is missing or invalid")
        if at >= datetime.fromtimestamp(int(expires), UTC):
            raise ForbiddenError("The signed upload has expired")
        folder, _, name = public_id.rpartition("/")
        return self.upload(content, folder=folder, public_id=name)

    def check(self) -> None:
        with _translate_errors(), self._temporary_folder() as folder:
            _write(folder / "check", b"check")

    def open(self, public_id: str, rendition: str, *, accepts_webp: bool) -> ServedImage:
        with _translate_errors(public_id):
            folder = self._image_folder(public_id)
            if rendition == ORIGINAL:
                return _open(_original(folder))
            if rendition not in RENDITIONS:
                raise FileNotFoundError
            format_ = "webp" if accepts_webp else _format_without_webp(_original(folder))
            path = folder / f"{rendition}.{format_}"
            with suppress(FileNotFoundError):
                return _open(path)
            original = _original(folder)
            return _open(original) if _failure(path).exists() else self._render(original, path)

    def _image_folder(self, public_id: str) -> Path:
        if not is_public_id(public_id):
            raise FileNotFoundError
        return self._root / f"{public_id}.image"

    def _store(self, image: CleanImage, folder: Path) -> None:
        """Create the image folder atomically, unless it exists already."""
        with self._temporary_folder() as temporary:
            size = f"{image.width}x{image.height}"
            _write(temporary / f"{ORIGINAL}.{size}.{image.format}", image.content)
            _sync(temporary)
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.rename(folder)
            except OSError as error:
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:  # the id is taken
                    raise
            _sync(folder.parent)

    def _render(self, original: Path, path: Path) -> ServedImage:
        """Create a rendition, or wait for another process or thread that is creating it.

        Returns the original if it cannot be rendered, and remembers that. On a full disk, the
        rendition is served without being stored.
        """
        with original.open("rb") as source:
            fcntl.flock(source, fcntl.LOCK_EX)
            if path.exists():
                return _open(path)
            if _failure(path).exists():
                return _open(original)
            transformation = evolve(RENDITIONS[path.stem], format=ImageFormat(_format(path)))
            try:
                # Originals of earlier versions may be larger than uploads today.
                image = self._cleaner.clean(source, transformation, max_side=MAX_PIXELS)
            except (ValidationError, TooLargeError) as error:
                _log.warning("Cannot render %s of %s: %s", path.name, path.parent.name, error)
                with suppress(OSError):  # on a full disk, the next request tries again
                    _failure(path).touch()
                return _open(original)
            try:
                self._store_rendition(path, image.content)
            except OSError as error:
                if not is_storage_full(error):
                    raise
                return _serve(image)
            return _open(path)

    def _store_rendition(self, path: Path, content: bytes) -> None:
        with self._temporary_folder() as temporary:
            _write(temporary / path.name, content)
            (temporary / path.name).replace(path)

    @contextmanager
    def _temporary_folder(self) -> Iterator[Path]:
        """Create a temporary folder on the same disk, and delete it at the end."""
        folder = self._root / ".unfinished" / secrets.token_hex(8)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _signature(self, *values: str) -> str:
        text = "\n".join(("eggypro upload", *values))
        return hmac.digest(self._secret.encode(), text.encode(), "sha256").hex()


@contextmanager
def _translate_errors(public_id: str | None = None) -> Iterator[None]:
    """Translate errors of the operating system; a missing file means image `public_id`, if set."""
    try:
        yield
    except OSError as error:
        if public_id is not None and isinstance(error, FileNotFoundError):
            raise image_not_found(public_id) from None
        kind = StorageFullError if is_storage_full(error) else UnavailableError
        raise kind(f"The image folder is unavailable: {error.strerror}") from error


def _original(folder: Path) -> Path:
    """Return the path of the original. Raises FileNotFoundError while the folder is deleted."""
    for path in folder.iterdir():
        if path.name.startswith(f"{ORIGINAL}."):
            return path
    raise FileNotFoundError


def _failure(path: Path) -> Path:
    """Return the path of the file that exists if a rendition cannot be created."""
    return path.with_name(f"{path.name}.failed")


def _format(path: Path) -> str:
    return path.suffix.removeprefix(".")


def _format_without_webp(original: Path) -> str:
    """Return the format for clients without WebP: PNG unless it is a JPEG, for transparency."""
    return "jpg" if _format(original) == "jpg" else "png"


def _open(path: Path) -> ServedImage:
    stream = path.open("rb")
    status = os.fstat(stream.fileno())
    etag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    return ServedImage(stream=stream, size=status.st_size, format=_format(path), etag=etag)


def _serve(image: CleanImage) -> ServedImage:
    """Serve an image from memory."""
    content = image.content
    etag = blake2b(content, digest_size=12).hexdigest()
    return ServedImage(stream=BytesIO(content), size=len(content), format=image.format, etag=etag)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Flush the entries of a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
