"""CloudinaryImageStore: images in an account at Cloudinary."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen

from eggypro_adapters.cloudinary_images.account import SHORT, Account
from eggypro_adapters.cloudinary_images.addresses import delivery_address
from eggypro_core.domain.image import (
    FOLDER,
    FORMATS,
    UPLOAD_TIME,
    SignedUpload,
    StoredImage,
    Transformation,
    image_absent,
    is_public_id,
    public_id_in,
    require_public_id,
)
from eggypro_core.errors import ServiceFailedError
from eggypro_core.ports import Clock, ImageCleaner

if TYPE_CHECKING:
    from eggypro_adapters.cloudinary_images.api import Api

INCOMING = "a_exif,fl_force_strip"
"""What Cloudinary makes of a browser's file before it keeps it: upright, without metadata."""
_KEPT = {"overwrite": "0"}
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
        folder: str = FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        name = secrets.token_hex(16) if public_id is None else public_id
        whole_id = public_id_in(folder, name)
        image = self._cleaner.clean(content, transformation)
        params = {"folder": folder, "public_id": name, **_KEPT}
        answer = self._api().post("upload", params, at=self._now(), content=image.content)
        return _stored(whole_id, answer)

    def find(self, public_id: str) -> StoredImage:
        absent = image_absent(public_id)
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
            raise ServiceFailedError("Cloudinary did not delete an image")

    def address(self, public_id: str, transformation: Transformation | None = None) -> str:
        require_public_id(public_id)
        return delivery_address(self._account.cloud_name, public_id, transformation)

    def sign(self, *, folder: str = FOLDER, public_id: str, at: datetime) -> SignedUpload:
        public_id_in(folder, public_id)
        params = {
            "folder": folder,
            "public_id": public_id,
            "allowed_formats": ",".join(FORMATS),
            "transformation": INCOMING,
            **_KEPT,
        }
        api = self._api()
        url, fields = api.address("image", "upload"), api.signed(params, at=at)
        return SignedUpload(url=url, fields=fields, expires_at=at + UPLOAD_TIME)

    def check(self) -> None:
        if self._api().get("ping", patience=SHORT).get("status") != "ok":
            raise ServiceFailedError("Cloudinary does not answer a ping as it should")

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
    raise ServiceFailedError("Cloudinary answered without telling of the image")
