"""Contract suite of the image store against a real Cloudinary account, if one is configured."""

import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from attrs import field, frozen

from eggypro_adapters.cloudinary_images import CloudinaryAccount, CloudinaryImageStore
from eggypro_adapters.contracts.image_store import ImageStoreContract
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.image import StoredImage

LIVE = os.environ.get("EGGYPRO_LIVE_CLOUDINARY_URL", "")
if not LIVE:
    reason = "EGGYPRO_LIVE_CLOUDINARY_URL=cloudinary://key:secret@cloud is not set"
    pytest.skip(reason, allow_module_level=True)


@frozen
class RecordingImageStore(CloudinaryImageStore):
    """Record the ids of uploaded images, to delete them."""

    uploaded: set[str] = field(factory=set)

    def upload(self, *args: Any, **options: Any) -> StoredImage:
        stored = super().upload(*args, **options)
        self.uploaded.add(stored.public_id)
        return stored


class TestLiveCloudinary(ImageStoreContract):
    @pytest.fixture
    def images(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingImageStore]:
        """A store for one test at a time: the workers of a session share the account."""
        store = RecordingImageStore(
            account_from_url(LIVE), PillowImageCleaner(), lambda: datetime.now(UTC)
        )
        with (tmp_path_factory.getbasetemp().parent / "cloudinary.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield store
            for public_id in store.uploaded:
                store.delete(public_id)


def account_from_url(url: str) -> CloudinaryAccount:
    """Return the account of a Cloudinary URL, with `upload_prefix` as an optional parameter."""
    parts = urlsplit(url)
    prefix = dict(parse_qsl(parts.query)).get("upload_prefix", "https://api.cloudinary.com")
    credentials, _, cloud_name = parts.netloc.rpartition("@")
    key, _, secret = credentials.partition(":")
    return CloudinaryAccount(cloud_name, unquote(key), unquote(secret), prefix)
