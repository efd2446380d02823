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
    FOLDER,
    UPLOAD_TIME,
    SignedUpload,
    StoredImage,
    Transformation,
    public_id_in,
    require_image,
)
from eggypro_core.errors import (
    Fault,
    InvalidError,
    NotFoundError,
    ServiceFailedError,
    TooLargeError,
    UnavailableError,
)
from eggypro_core.ports import Clock, ImageLedger, ImageStore
from eggypro_core.validation import fields

AT_ONCE = 8
"""How many images of this process are on their way to or from the store at a time."""
KEPT = UPLOAD_TIME + timedelta(minutes=1)
"""How long an image is recorded at least: what comes at the last moment is stored later."""
_AWAY = (UnavailableError, ServiceFailedError)


@frozen(eq=False)
class ImageStorage:
    """Stores images and deletes them, so that none is left behind whatever fails or dies when.

    An image is recorded before it is stored. What no product has got by the end of an upload is
    deleted at once. What could not be is left to `prune`: at once where somebody tried, and where
    nobody lived to try, after KEPT. Until then an upload that was lost on its way may still arrive,
    so that the record stays that long, and `prune` deletes once more. An outage of the store is
    watched for.
    """

    _store: ImageStore
    _ledger: ImageLedger
    _clock: Clock
    _outage: AbstractContextManager[None] = field(factory=nullcontext, repr=False)
    _places: BoundedSemaphore = field(factory=lambda: BoundedSemaphore(AT_ONCE), repr=False)

    def address(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return where an image is, as ImageStore does."""
        return self._store.address(public_id, transformation)

    @contextmanager
    def uploaded(self, files: Sequence[BinaryIO]) -> Iterator[Sequence[StoredImage]]:
        """Store files side by side, for a block that gives the images to a product.

        If any of it fails, or the block, none of them stays. Raises what ImageStore.upload does,
        with what is wrong with each of the files.
        """
        names = [token_hex(16) for _ in files]
        public_ids = [public_id_in(FOLDER, name) for name in names]
        self._ledger.intend(public_ids, until=self._clock() + KEPT)
        with ExitStack() as failed:
            failed.callback(self.let_go, public_ids)
            stored = self._stored(files, names)
            self._ledger.note(stored)
            yield stored
            failed.pop_all()

    def sign(self, product: str) -> tuple[str, SignedUpload]:
        """Return an upload that a browser makes by itself, for a product, and its id.

        Raises NotFoundError, MovedError.
        """
        name, now = token_hex(16), self._clock()
        public_id = public_id_in(FOLDER, name)
        self._ledger.intend([public_id], until=now + KEPT, product=product)
        return name, self._store.sign(public_id=name, at=now)

    def arrived(self, upload: str) -> tuple[str, StoredImage]:
        """Return the slug of the product that a signed upload is for, and what arrived by it.

        Raises NotFoundError for no such upload, MovedError, and InvalidError where no file came,
        or one that is deleted again, since it may not be shown.
        """
        public_id = public_id_in(FOLDER, upload)
        product = self._ledger.intended_for(public_id)
        stored = self._verified(public_id)
        self._ledger.note([stored])
        return product, stored

    def let_go(self, public_ids: Collection[str]) -> None:
        """Delete those images that no product has. What fails is left to `prune`."""
        with suppress(*_AWAY):
            if not public_ids:
                return
            list(self._deleted(self._ledger.give_up(public_ids)))

    def prune(self) -> Iterator[bool]:
        """Delete what nobody has, and say of one after the other whether it is deleted.

        What is not, since the store does not do it now, is for another time.
        """
        yield from self._deleted(self._ledger.give_up_overdue(self._clock()))

    def _stored(self, files: Sequence[BinaryIO], names: Sequence[str]) -> Sequence[StoredImage]:
        with ThreadPoolExecutor(len(files)) as threads:
            uploads = [threads.submit(self._upload, *one) for one in zip(files, names, strict=True)]
        fields.refuse(list(_faults(uploads)))
        return [upload.result() for upload in uploads]

    def _upload(self, file: BinaryIO, name: str) -> StoredImage:
        with self._places, self._outage:
            return self._store.upload(file, public_id=name)

    def _verified(self, public_id: str) -> StoredImage:
        try:
            with self._outage:
                stored = self._store.find(public_id)
            require_image(stored)
        except NotFoundError:
            raise InvalidError([Fault("file", "No file has arrived yet")]) from None
        except (InvalidError, TooLargeError) as refused:
            self.let_go([public_id])
            raise InvalidError(_faults_of(refused)) from None
        return stored

    def _deleted(self, public_ids: Collection[str]) -> Iterator[bool]:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            yield from threads.map(self._delete, public_ids)

    def _delete(self, public_id: str) -> bool:
        try:
            with self._outage:
                self._store.delete(public_id)
        except _AWAY:
            return False
        self._ledger.deleted([public_id], self._clock())
        return True


def _faults(uploads: Sequence[Future[StoredImage]]) -> Iterator[Fault]:
    """Give what is wrong with each file, by its number if there are several."""
    for number, upload in enumerate(uploads, 1):
        error = upload.exception()
        if isinstance(error, InvalidError):
            which = f"File {number}: " if len(uploads) > 1 else ""
            yield from (Fault(one.field, f"{which}{one.message}") for one in error.faults)


def _faults_of(refused: InvalidError | TooLargeError) -> Sequence[Fault]:
    return refused.faults if isinstance(refused, InvalidError) else [Fault("file", str(refused))]
