"""ImageUploads: upload and delete images through the image registry, so that none is orphaned."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import timedelta
from secrets import token_hex
from threading import BoundedSemaphore
from typing import BinaryIO

from attrs import field, frozen

from eggypro_core.domain.image import (
    PRODUCT_IMAGE_FOLDER,
    SIGNED_UPLOAD_LIFETIME,
    SignedUpload,
    StoredImage,
    Transformation,
    public_id_in,
    require_displayable,
)
from eggypro_core.errors import (
    FieldError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UpstreamError,
    ValidationError,
)
from eggypro_core.ports import Clock, ImageRegistry, ImageStore
from eggypro_core.validation import fields

MAX_PARALLEL_TRANSFERS = 8
"""Maximum number of concurrent uploads and deletions of this process."""
RESERVATION_LIFETIME = SIGNED_UPLOAD_LIFETIME + timedelta(minutes=1)
"""Minimum lifetime of a reservation: an upload at the last moment is stored later."""
_STORE_ERRORS = (UnavailableError, UpstreamError)


@frozen(eq=False)
class ImageUploads:
    """Upload and delete images so that failures and crashes leave no orphans behind.

    An image is reserved in the registry before its upload. If no product has it by the end of the
    upload, it is deleted at once. `prune` deletes the rest: failed deletions immediately, uploads
    of a crashed process after RESERVATION_LIFETIME. Until then a delayed upload may still arrive,
    so its record stays that long and `prune` deletes the image once more. Outages of the store are
    reported.
    """

    _store: ImageStore
    _registry: ImageRegistry
    _clock: Clock
    _outage_detector: AbstractContextManager[None] = field(factory=nullcontext, repr=False)
    _transfer_limit: BoundedSemaphore = field(
        factory=lambda: BoundedSemaphore(MAX_PARALLEL_TRANSFERS), repr=False
    )

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return the URL of an image, like ImageStore."""
        return self._store.url(public_id, transformation)

    @contextmanager
    def upload(self, files: Sequence[BinaryIO]) -> Iterator[Sequence[StoredImage]]:
        """Upload files in parallel, for a block that adds the images to a product.

        If an upload or the block fails, all images are deleted. Raises the errors of
        ImageStore.upload, with the field errors of every file.
        """
        names = [token_hex(16) for _ in files]
        public_ids = [public_id_in(PRODUCT_IMAGE_FOLDER, name) for name in names]
        self._registry.reserve(public_ids, expires_at=self._clock() + RESERVATION_LIFETIME)
        with ExitStack() as rollback:
            rollback.callback(self.delete_unused, public_ids)
            images = self._upload_all(files, names)
            self._registry.confirm(images)
            yield images
            rollback.pop_all()

    def sign_upload(self, product: str) -> tuple[str, SignedUpload]:
        """Return a signed browser upload for a product, and its id.

        Raises NotFoundError, SlugMovedError.
        """
        name, now = token_hex(16), self._clock()
        public_id = public_id_in(PRODUCT_IMAGE_FOLDER, name)
        self._registry.reserve([public_id], expires_at=now + RESERVATION_LIFETIME, product=product)
        return name, self._store.sign_upload(public_id=name, at=now)

    def confirm_upload(self, upload_id: str) -> tuple[str, StoredImage]:
        """Return the product slug of a signed upload, and the uploaded image.

        Raises NotFoundError for an unknown upload, SlugMovedError, and ValidationError if no file
        has been uploaded, or an invalid one, which is deleted.
        """
        public_id = public_id_in(PRODUCT_IMAGE_FOLDER, upload_id)
        product = self._registry.get_product_slug(public_id)
        image = self._get_verified(public_id)
        self._registry.confirm([image])
        return product, image

    def delete_unused(self, public_ids: Collection[str]) -> None:
        """Delete the images that no product has. Failed deletions are left to `prune`."""
        with suppress(*_STORE_ERRORS):
            if not public_ids:
                return
            list(self._delete_all(self._registry.release(public_ids)))

    def prune(self) -> Iterator[bool]:
        """Delete unused images; yield for each whether the store has deleted it.

        The next call retries failed deletions.
        """
        yield from self._delete_all(self._registry.release_expired(self._clock()))

    def _upload_all(self, files: Sequence[BinaryIO], names: Sequence[str]) -> Sequence[StoredImage]:
        with ThreadPoolExecutor(len(files)) as threads:
            uploads = [
                threads.submit(self._upload, file, name)
                for file, name in zip(files, names, strict=True)
            ]
        fields.raise_if(list(_upload_errors(uploads)))
        return [upload.result() for upload in uploads]

    def _upload(self, file: BinaryIO, name: str) -> StoredImage:
        with self._transfer_limit, self._outage_detector:
            return self._store.upload(file, public_id=name)

    def _get_verified(self, public_id: str) -> StoredImage:
        try:
            with self._outage_detector:
                image = self._store.get(public_id)
            require_displayable(image)
        except NotFoundError:
            raise ValidationError([FieldError("file", "No file has been uploaded yet")]) from None
        except (ValidationError, TooLargeError) as error:
            self.delete_unused([public_id])
            raise ValidationError(_field_errors(error)) from None
        return image

    def _delete_all(self, public_ids: Collection[str]) -> Iterator[bool]:
        with ThreadPoolExecutor(MAX_PARALLEL_TRANSFERS) as threads:
            yield from threads.map(self._delete, public_ids)

    def _delete(self, public_id: str) -> bool:
        try:
            with self._outage_detector:
                self._store.delete(public_id)
        except _STORE_ERRORS:
            return False
        self._registry.forget([public_id], self._clock())
        return True


def _upload_errors(uploads: Sequence[Future[StoredImage]]) -> Iterator[FieldError]:
    """Yield the field errors of each file, with its number if there are several."""
    for number, upload in enumerate(uploads, 1):
        error = upload.exception()
        if isinstance(error, ValidationError):
            prefix = f"File {number}: " if len(uploads) > 1 else ""
            for field_error in error.errors:
                yield FieldError(field_error.field, f"{prefix}{field_error.message}")


def _field_errors(error: ValidationError | TooLargeError) -> Sequence[FieldError]:
    if isinstance(error, ValidationError):
        return error.errors
    return [FieldError("file", str(error))]
