"""The configured image store."""

from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageStoreKind
from eggypro_core.ports import ImageServer, ImageStore, utc_now


def image_store_and_server(
    settings: Settings, secret: str
) -> tuple[ImageStore, ImageServer | None]:
    """Return the image store, and what serves its images if this process does.

    The store is Cloudinary, or a folder, whose uploads are signed with `secret`.
    """
    cleaner = PillowImageCleaner()
    if settings.image_store is ImageStoreKind.LOCAL:
        from eggypro_adapters.local_images import LocalImageStore  # needs a POSIX system

        folder = LocalImageStore(settings.eggypro_data_dir / "images", cleaner, secret)
        return folder, folder
    from eggypro_adapters.cloudinary_images import CloudinaryAccount, CloudinaryImageStore

    account = CloudinaryAccount(
        settings.cloudinary_cloud_name or "",
        settings.cloudinary_api_key or "",
        settings.cloudinary_api_secret or "",
        settings.cloudinary_upload_prefix,
    )
    return CloudinaryImageStore(account, cleaner, utc_now), None
