"""CloudinaryImageStore: images in an account at Cloudinary."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen

from eggypro_adapters.cloudinary_images.account import HEALTH_TIMEOUTS, Account
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
    from eggypro_adapters.cloudinary_images.api import Api

INCOMING = "a_exif,fl_force_strip"
"""What Cloudinary makes of a browser's file before it keeps it: upright, without metadata."""
_UPLOAD_PARAMS = {"overwrite": "0"}
"""What is there already is never replaced: an upload whose answer was lost can be repeated."""


@frozen
class CloudinaryImageStore:
    """Keeps images at Cloudinary, whose CDN makes and delivers what is wanted of them."""

    _account: Account
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
        whole_id = public_id_in(folder, name)
        image = self._cleaner.clean(content, transformation)
        params = {"folder": folder, "public_id": name, **_UPLOAD_PARAMS}
        answer = self._api().post("upload", params, at=self._now(), content=image.content)
        return _stored(whole_id, answer)

    def get(self, public_id: str) -> StoredImage:
        absent = image_not_found(public_id)
        if not is_public_id(public_id):
            raise absent
        answer = self._api().get("resources", "image", "upload", public_id, absent=absent)
        return _stored(public_id, answer)

    def delete(self, public_id: str) -> None:
        if not is_public_id(public_id):
            return
        params = {"public_id": public_id, "invalidate": "1"}
        answer = self._api().post("destroy", params, at=self._now())
        if answer.get("result") not in {"ok", "not found"}:
            raise UpstreamError("Cloudinary did not delete an image")

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
            "transformation": INCOMING,
            **_UPLOAD_PARAMS,
        }
        api = self._api()
        url, fields = api.address("image", "upload"), api.signed(params, at=at)
        return SignedUpload(url=url, fields=fields, expires_at=at + SIGNED_UPLOAD_LIFETIME)

    def check(self) -> None:
        if self._api().get("ping", patience=HEALTH_TIMEOUTS).get("status") != "ok":
            raise UpstreamError("Cloudinary does not answer a ping as it should")

    def _api(self) -> "Api":
        """Load the SDK, which takes its time, only where Cloudinary is asked: few commands do."""
        from eggypro_adapters.cloudinary_images.api import Api

        return Api(self._account)


def _stored(public_id: str, answer: Mapping[str, Any]) -> StoredImage:
    match answer:
        case {
            "public_id": str(told),
            "width": int(width),
            "height": int(height),
            "format": str(form),
            "bytes": int(size),
        } if told == public_id:
            return StoredImage(
                public_id=public_id, width=width, height=height, format=form, size=size
            )
    raise UpstreamError("Cloudinary answered without telling of the image")
