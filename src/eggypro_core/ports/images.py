"""Ports for images: cleaner, store, registry and server."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol

from eggypro_core.domain.image import (
    PRODUCT_IMAGE_FOLDER,
    CleanImage,
    ServedImage,
    SignedUpload,
    StoredImage,
    Transformation,
)


class ImageCleaner(Protocol):
    """Makes of an upload what may be published."""

    def clean(self, content: BinaryIO, transformation: Transformation | None = None) -> CleanImage:
        """Return the picture in a file, upright, in sRGB, in its own format, and nothing else.

        What it is, is decided by its content, from wherever the stream stands to its end. A
        transformation is applied to it on top, and may give it another format.
        Raises TooLargeError above HIGHEST_SIZE (of which little more is read), and ValidationError
        naming `file` unless it is one of FORMATS, of one frame, of at most MAX_PIXELS (decided
        before it is decoded), and whole.
        """
        ...


class ImageStore(Protocol):
    """Keeps images by public id. Any method may raise UnavailableError, if it is away.

    A remote store that answers with anything but what was asked for raises UpstreamError.
    """

    def upload(
        self,
        content: BinaryIO,
        *,
        folder: str = PRODUCT_IMAGE_FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        """Keep what an ImageCleaner makes of a file, all or nothing, and return it.

        It is called `public_id` within the folder, or by a name that nobody can guess. An id that
        is taken stays as it is, and what is there is returned: it can be repeated.
        Raises what ImageCleaner does, and ValidationError for an id that cannot be one.
        """
        ...

    def get(self, public_id: str) -> StoredImage:
        """Return what is known of an image. Raises NotFoundError."""
        ...

    def delete(self, public_id: str) -> None:
        """Delete an image and all that was made of it; one that is not there needs nothing."""
        ...

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return where an image is, made into something; without it, as it was uploaded.

        Asks nobody, and not whether it is there. Raises ValidationError for an id that cannot be
        one, and from a store that serves only RENDITIONS for any other transformation.
        """
        ...

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        """Return a signed browser upload of one file, valid for SIGNED_UPLOAD_LIFETIME from `at`.

        What arrives so is not looked at: see `find` and `require_displayable`.
        """
        ...

    def check(self) -> None:
        """Raise UnavailableError or UpstreamError unless images can be kept now."""
        ...


class ImageRegistry(Protocol):
    """Knows every image that may be in the store, from before it is there until it surely is not.

    A product store has it count who has an image, in the transaction that changes a product's
    images: that raises ValidationError for one that is not known to be stored, or was given up.
    What counts is whether a product has it, not how often. Any method may raise UnavailableError.
    """

    def reserve(
        self, public_ids: Collection[str], *, expires_at: datetime, product: str | None = None
    ) -> None:
        """Record images that may arrive in the store `until` then, perhaps for a product.

        Raises NotFoundError or SlugMovedError where the slug leads to no product.
        """
        ...

    def get_product_slug(self, public_id: str) -> str:
        """Return the slug of the product that an image was recorded for.

        Raises NotFoundError for one that is not recorded, or not for a product that there is.
        """
        ...

    def confirm(self, stored_images: Iterable[StoredImage]) -> None:
        """Record what arrived in the store: from then on products can have it, if not given up."""
        ...

    def release(self, public_ids: Collection[str]) -> Collection[str]:
        """Return those that no product has. From then on none can get them."""
        ...

    def release_expired(self, at: datetime) -> Collection[str]:
        """Return what the store should delete: all that were given up and are not deleted.

        Those that no product has are given up when they may arrive no more. What was deleted before
        that is among them once more, then.
        """
        ...

    def forget(self, public_ids: Collection[str], at: datetime) -> None:
        """Record that the store has deleted images that were given up.

        They are forgotten, unless they may still arrive.
        """
        ...


class ImageServer(Protocol):
    """An image store whose images we serve ourselves. Any method may raise UnavailableError."""

    def open(self, public_id: str, rendition: str, *, accepts_webp: bool) -> ServedImage:
        """Return an image's ORIGINAL or one of its RENDITIONS, made now if nobody had it yet.

        Renditions are WebP for who can show that. Raises NotFoundError.
        """
        ...

    def receive_upload(
        self, fields: Mapping[str, str], content: BinaryIO, at: datetime
    ) -> StoredImage:
        """Keep a file that comes with the fields of a SignedUpload.

        Raises ForbiddenError unless they are as they were signed, and not too old; and what
        `upload` raises.
        """
        ...
