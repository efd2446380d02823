"""Image store in an account at Cloudinary."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen

from eggypro_adapters.cloudinary_images.account import HEALTH_TIMEOUTS, CloudinaryAccount
from eggypro_adapters.cloudinary_images.addresses import delivery_url
from eggypro_core.domain.image import (
    PRODUCT_IMAGE_FOLDER,
    SIGNED_UPLOAD_LIFETIME,
    UPLOAD_FORMATS,
    SignedUpload,
    StoredImage,
    Transformation,
    image_not_found,
    is_public_id,
    public_id_in,
    require_public_id,
)
from eggypro_core.errors import UpstreamError
from eggypro_core.ports import Clock, ImageCleaner

if TYPE_CHECKING:
    from eggypro_adapters.cloudinary_images.api import CloudinaryApi

INCOMING_TRANSFORMATION = "a_exif,fl_force_strip"
"""Applied by Cloudinary to browser uploads before storage: upright, without metadata."""
_UPLOAD_PARAMS = {"overwrite": "0"}
"""Existing images are never replaced: an upload whose response was lost can be repeated."""


@frozen
class CloudinaryImageStore:
    """Store images at Cloudinary, whose CDN transforms and delivers them."""

    _account: CloudinaryAccount
    _cleaner: ImageCleaner
    _now: Clock

    def upload(
        self,
        content: BinaryIO,
        *,
        folder: str = PRODUCT_IMAGE_FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        name = secrets.token_hex(16) if public_id is None else public_id
        full_id = public_id_in(folder, name)
        image = self._cleaner.clean(content, transformation)
        params = {"folder": folder, "public_id": name, **_UPLOAD_PARAMS}
        response = self._api().post("upload", params, at=self._now(), content=image.content)
        return _stored_image(full_id, response)

    def get(self, public_id: str) -> StoredImage:
        not_found = image_not_found(public_id)
        if not is_public_id(public_id):
            raise not_found
        response = self._api().get("resources", "image", "upload", public_id, not_found=not_found)
        return _stored_image(public_id, response)

    def delete(self, public_id: str) -> None:
        if not is_public_id(public_id):
            return
        params = {"public_id": public_id, "invalidate": "1"}
        response = self._api().post("destroy", params, at=self._now())
        if response.get("result") not in {"ok", "not found"}:
            raise UpstreamError(f"Cloudinary did not delete the image '{public_id}'")

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        require_public_id(public_id)
        return delivery_url(self._account.cloud_name, public_id, transformation)

    def sign_upload(
        self, *, folder: str = PRODUCT_IMAGE_FOLDER, public_id: str, at: datetime
    ) -> SignedUpload:
        public_id_in(folder, public_id)
        params = {
            "folder": folder,
            "public_id": public_id,
            "allowed_formats": ",".join(UPLOAD_FORMATS),
            "transformation": INCOMING_TRANSFORMATION,
            **_UPLOAD_PARAMS,
        }
        api = self._api()
        url, fields = api.url("image", "upload"), api.signed(params, at=at)
        return SignedUpload(url=url, fields=fields, expires_at=at + SIGNED_UPLOAD_LIFETIME)

    def check(self) -> None:
        if self._api().get("ping", timeouts=HEALTH_TIMEOUTS).get("status") != "ok":
            raise UpstreamError("Cloudinary sent an invalid response to a ping")

    def _api(self) -> "CloudinaryApi":
        """Import the SDK on first use: the import is slow, and few commands need it."""
        from eggypro_adapters.cloudinary_images.api import CloudinaryApi

        return CloudinaryApi(self._account)


def _stored_image(public_id: str, response: Mapping[str, Any]) -> StoredImage:
    match response:
        case {
            "public_id": str(response_id),
            "width": int(width),
            "height": int(height),
            "format": str(form),
            "bytes": int(size),
        } if response_id == public_id:
            return StoredImage(
                public_id=public_id, width=width, height=height, format=form, size=size
            )
    raise UpstreamError(f"Cloudinary sent an invalid response about the image '{public_id}'")
