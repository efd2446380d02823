"""In-memory store of images."""

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
    """Store images in memory. Their URLs cannot be requested."""

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
        full_id = public_id_in(folder, token_hex(16) if public_id is None else public_id)
        image = self._cleaner.clean(content, transformation)
        stored = StoredImage(
            public_id=full_id,
            width=image.width,
            height=image.height,
            format=image.format,
            size=len(image.content),
        )
        return self._images.setdefault(full_id, (stored, image.content))[0]

    def get(self, public_id: str) -> StoredImage:
        row = self._images.get(public_id)
        if row is None:
            raise image_not_found(public_id)
        return row[0]

    def delete(self, public_id: str) -> None:
        self._images.pop(public_id, None)

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        rendition = transformation and ",".join(map(str, astuple(transformation)))
        return f"memory:{require_public_id(public_id)}/{rendition or ORIGINAL}"

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        full_id, expires_at = public_id_in(folder, public_id), at + SIGNED_UPLOAD_LIFETIME
        message = f"{full_id} {expires_at.isoformat()}".encode()
        fields = {
            "public_id": full_id,
            "signature": hmac.digest(self._secret, message, "sha256").hex(),
        }
        return SignedUpload(url="memory:uploads", fields=fields, expires_at=expires_at)

    def check(self) -> None:
        """Do nothing: a dictionary is always available."""
