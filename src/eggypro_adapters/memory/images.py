"""Images within this process."""

import hmac
from datetime import datetime
from secrets import token_bytes, token_hex
from typing import BinaryIO

from attrs import astuple

from eggypro_core.domain.image import (
    ORIGINAL,
    PRODUCT_IMAGE_FOLDER,
    SIGNED_UPLOAD_LIFETIME,
    SignedUpload,
    StoredImage,
    Transformation,
    image_not_found,
    public_id_in,
    require_public_id,
)
from eggypro_core.ports import ImageCleaner


class MemoryImageStore:
    """Images in this process. Everything is gone with it, and nobody serves it."""

    def __init__(self, cleaner: ImageCleaner) -> None:
        self._cleaner = cleaner
        self._secret = token_bytes(32)
        self._images: dict[str, tuple[StoredImage, bytes]] = {}

    def upload(
        self,
        content: BinaryIO,
        *,
        folder: str = PRODUCT_IMAGE_FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        found = public_id_in(folder, token_hex(16) if public_id is None else public_id)
        image = self._cleaner.clean(content, transformation)
        stored = StoredImage(
            public_id=found,
            width=image.width,
            height=image.height,
            format=image.format,
            size=len(image.content),
        )
        return self._images.setdefault(found, (stored, image.content))[0]

    def get(self, public_id: str) -> StoredImage:
        found = self._images.get(public_id)
        if found is None:
            raise image_not_found(public_id)
        return found[0]

    def delete(self, public_id: str) -> None:
        self._images.pop(public_id, None)

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        made = transformation and ",".join(str(value) for value in astuple(transformation))
        return f"memory:{require_public_id(public_id)}/{made or ORIGINAL}"

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        found, expires = public_id_in(folder, public_id), at + SIGNED_UPLOAD_LIFETIME
        signed = f"{found} {expires.isoformat()}".encode()
        fields = {
            "public_id": found,
            "signature": hmac.digest(self._secret, signed, "sha256").hex(),
        }
        return SignedUpload(url="memory:uploads", fields=fields, expires_at=expires)

    def check(self) -> None:
        """Say nothing: a dictionary is never away."""
