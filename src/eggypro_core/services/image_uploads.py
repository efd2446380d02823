"""The image store, with a ledger of what may be in it: nothing there is ever forgotten."""

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
"""How many images of this process are on their way to or from the store at a time."""
RESERVATION_LIFETIME = SIGNED_UPLOAD_LIFETIME + timedelta(minutes=1)
"""How long an image is recorded at least: what comes at the last moment is stored later."""
_STORE_ERRORS = (UnavailableError, UpstreamError)


@frozen(eq=False)
class ImageUploads:
    """Stores images and deletes them, so that none is left behind whatever fails or dies when.

    An image is recorded before it is stored. What no product has got by the end of an upload is
    deleted at once. What could not be is left to `prune`: at once where somebody tried, and where
    nobody lived to try, after KEPT. Until then an upload that was lost on its way may still arrive,
    so that the record stays that long, and `prune` deletes once more. An outage of the store is
    watched for.
    """

    _store: ImageStore
    _registry: ImageRegistry
    _clock: Clock
    _outage_detector: AbstractContextManager[None] = field(factory=nullcontext, repr=False)
    _transfer_limit: BoundedSemaphore = field(
        factory=lambda: BoundedSemaphore(MAX_PARALLEL_TRANSFERS), repr=False
    )

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return where an image is, as ImageStore does."""
        return self._store.url(public_id, transformation)

    @contextmanager
    def upload(self, files: Sequence[BinaryIO]) -> Iterator[Sequence[StoredImage]]:
        """Store files side by side, for a block that gives the images to a product.

        If any of it fails, or the block, none of them stays. Raises what ImageStore.upload does,
        with what is wrong with each of the files.
        """
        names = [token_hex(16) for _ in files]
        public_ids = [public_id_in(PRODUCT_IMAGE_FOLDER, name) for name in names]
        self._registry.reserve(public_ids, expires_at=self._clock() + RESERVATION_LIFETIME)
        with ExitStack() as failed:
            failed.callback(self.delete_unused, public_ids)
            stored = self._upload_all(files, names)
            self._registry.confirm(stored)
            yield stored
            failed.pop_all()

    def sign_upload(self, product: str) -> tuple[str, SignedUpload]:
        """Return an upload that a browser makes by itself, for a product, and its id.

        Raises NotFoundError, SlugMovedError.
        """
        name, now = token_hex(16), self._clock()
        public_id = public_id_in(PRODUCT_IMAGE_FOLDER, name)
        self._registry.reserve([public_id], expires_at=now + RESERVATION_LIFETIME, product=product)
        return name, self._store.sign_upload(public_id=name, at=now)

    def confirm_upload(self, upload_id: str) -> tuple[str, StoredImage]:
        """Return the slug of the product that a signed upload is for, and what arrived by it.

        Raises NotFoundError for no such upload, SlugMovedError, and ValidationError where no file
        came, or one that is deleted again, since it may not be shown.
        """
        public_id = public_id_in(PRODUCT_IMAGE_FOLDER, upload_id)
        product = self._registry.get_product_slug(public_id)
        stored = self._get_verified(public_id)
        self._registry.confirm([stored])
        return product, stored

    def delete_unused(self, public_ids: Collection[str]) -> None:
        """Delete those images that no product has. What fails is left to `prune`."""
        with suppress(*_STORE_ERRORS):
            if not public_ids:
                return
            list(self._delete_all(self._registry.release(public_ids)))

    def prune(self) -> Iterator[bool]:
        """Delete what nobody has, and say of one after the other whether it is deleted.

        What is not, since the store does not do it now, is for another time.
        """
        yield from self._delete_all(self._registry.release_expired(self._clock()))

    def _upload_all(self, files: Sequence[BinaryIO], names: Sequence[str]) -> Sequence[StoredImage]:
        with ThreadPoolExecutor(len(files)) as threads:
            uploads = [threads.submit(self._upload, *one) for one in zip(files, names, strict=True)]
        fields.raise_if(list(_upload_errors(uploads)))
        return [upload.result() for upload in uploads]

    def _upload(self, file: BinaryIO, name: str) -> StoredImage:
        with self._transfer_limit, self._outage_detector:
            return self._store.upload(file, public_id=name)

    def _get_verified(self, public_id: str) -> StoredImage:
        try:
            with self._outage_detector:
                stored = self._store.get(public_id)
            require_displayable(stored)
        except NotFoundError:
            raise ValidationError([FieldError("file", "No file has arrived yet")]) from None
        except (ValidationError, TooLargeError) as refused:
            self.delete_unused([public_id])
            raise ValidationError(_field_errors(refused)) from None
        return stored

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
    """Give what is wrong with each file, by its number if there are several."""
    for number, upload in enumerate(uploads, 1):
        error = upload.exception()
        if isinstance(error, ValidationError):
            which = f"File {number}: " if len(uploads) > 1 else ""
            yield from (FieldError(one.field, f"{which}{one.message}") for one in error.errors)


def _field_errors(refused: ValidationError | TooLargeError) -> Sequence[FieldError]:
    return (
        refused.errors
        if isinstance(refused, ValidationError)
        else [FieldError("file", str(refused))]
    )
