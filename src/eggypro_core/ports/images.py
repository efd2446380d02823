"""Ports for images: cleaner, store, registry and server."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol

from eggypro_core.domain.image import (
    MAX_IMAGE_SIDE_PIXELS,
    PRODUCT_IMAGE_FOLDER,
    CleanImage,
    ServedImage,
    SignedUpload,
    StoredImage,
    Transformation,
)


class ImageCleaner(Protocol):
    """Turn an uploaded file into an image that can be published."""

    def clean(
        self,
        content: BinaryIO,
        transformation: Transformation | None = None,
        *,
        max_side: int = MAX_IMAGE_SIDE_PIXELS,
    ) -> CleanImage:
        """Return the image upright, in sRGB and in its own format, without metadata or other data.

        The format is detected from the content, read from the stream's position to its end.
        `transformation` is applied afterwards and may change the format; no side of the result is
        longer than MAX_IMAGE_SIDE_PIXELS. Raises TooLargeError above MAX_UPLOAD_BYTES, reading
        little more than that. Raises ValidationError for the field `file` unless the image has one
        of UPLOAD_FORMATS and a single frame, is complete (only the end marker of a JPEG may be
        missing), and has at most MAX_PIXELS and `max_side` (checked before decoding).
        """
        ...


class ImageStore(Protocol):
    """Store images by public id. Any method may raise UnavailableError.

    A remote store raises UpstreamError for an unexpected response.
    """

    def upload(
        self,
        content: BinaryIO,
        *,
        folder: str = PRODUCT_IMAGE_FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        """Clean a file with an ImageCleaner, store the image and return it.

        Atomic: a failed upload stores nothing. The id is `public_id` within `folder`, or an
        unguessable one. Idempotent: an existing id is not overwritten; its image is returned.
        Raises the errors of ImageCleaner, and ValidationError for an invalid id.
        """
        ...

    def get(self, public_id: str) -> StoredImage:
        """Return the record of a stored image. Raises NotFoundError."""
        ...

    def delete(self, public_id: str) -> None:
        """Delete an image and its renditions. Idempotent: a missing image is no error."""
        ...

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return the URL of an image with `transformation`, or of the original without one.

        Needs no I/O and does not check that the image exists. Raises ValidationError for an invalid
        id, and for other transformations than RENDITIONS if the store serves only those.
        """
        ...

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        """Return a signed browser upload of one file, valid for SIGNED_UPLOAD_LIFETIME from `at`.

        The uploaded file is not validated: see `get` and `require_displayable`.
        """
        ...

    def check(self) -> None:
        """Raise UnavailableError or UpstreamError unless images can be stored now."""
        ...


class ImageRegistry(Protocol):
    """Record every image that may be in the image store, until its deletion is certain.

    An image is recorded before its upload. A product store counts the references of an image here,
    in the transaction that changes a product's images; that raises ValidationError for an image
    that is not confirmed, or released. A product that has an image several times counts once. Any
    method may raise UnavailableError.
    """

    def reserve(
        self, public_ids: Collection[str], *, expires_at: datetime, product: str | None = None
    ) -> None:
        """Record images that may arrive in the store until `expires_at`, optionally for a product.

        Raises NotFoundError or SlugMovedError unless `product` is the slug of a product.
        """
        ...

    def get_product_slug(self, public_id: str) -> str:
        """Return the slug of the product that an image is reserved for.

        Raises NotFoundError if it is not recorded, or not for an existing product.
        """
        ...

    def confirm(self, stored_images: Iterable[StoredImage]) -> None:
        """Record images as stored: products can now reference them, unless released."""
        ...

    def release(self, public_ids: Collection[str]) -> Collection[str]:
        """Release the images that no product has, and return them.

        No product can reference a released image.
        """
        ...

    def release_expired(self, at: datetime) -> Collection[str]:
        """Release images without a product after `expires_at`; return all images to delete.

        These are the released images whose deletion is not recorded. An image that was deleted
        before `expires_at` is returned once more afterwards, as it may have arrived since.
        """
        ...

    def forget(self, public_ids: Collection[str], at: datetime) -> None:
        """Record that the store has deleted released images.

        Removes their records, except of images that may still arrive.
        """
        ...


class ImageServer(Protocol):
    """Serve and receive images of our own store. Any method may raise UnavailableError."""

    def open(self, public_id: str, rendition: str, *, accepts_webp: bool) -> ServedImage:
        """Return the ORIGINAL or one of the RENDITIONS of an image, created on first request.

        Renditions are WebP if the client accepts that. Raises NotFoundError.
        """
        ...

    def receive_upload(
        self, fields: Mapping[str, str], content: BinaryIO, at: datetime
    ) -> StoredImage:
        """Store a file that is posted with the fields of a SignedUpload.

        Raises ForbiddenError unless the signature of the fields is valid and not expired, and the
        errors of `ImageStore.upload`.
        """
        ...
