"""The configured image store."""

from typing import TYPE_CHECKING

from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageStoreKind
from eggypro_core.ports import ImageServer, ImageStore, utc_now

if TYPE_CHECKING:
    from eggypro_adapters.local_images import LocalImageStore


def image_store(settings: Settings, secret: str) -> ImageStore:
    """Return the image store: Cloudinary, or a folder, whose uploads are signed with `secret`."""
    if settings.image_store is ImageStoreKind.LOCAL:
        return _local_store(settings, secret)
    from eggypro_adapters.cloudinary_images import Account, CloudinaryImageStore

    account = Account(
        settings.cloudinary_cloud_name or "",
        settings.cloudinary_api_key or "",
        settings.cloudinary_api_secret or "",
        settings.cloudinary_upload_prefix,
    )
    return CloudinaryImageStore(account, PillowImageCleaner(), utc_now)


def image_files(settings: Settings, secret: str) -> ImageServer | None:
    """Return the folder whose images this server serves; None if Cloudinary serves them."""
    return _local_store(settings, secret) if settings.image_store is ImageStoreKind.LOCAL else None


def _local_store(settings: Settings, secret: str) -> "LocalImageStore":
    from eggypro_adapters.local_images import LocalImageStore  # needs a POSIX system

    return LocalImageStore(settings.eggypro_data_dir / "images", PillowImageCleaner(), secret)
