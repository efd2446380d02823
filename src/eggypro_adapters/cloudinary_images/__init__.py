"""Images in an account at Cloudinary. The SDK is loaded by the first call that asks Cloudinary."""

from eggypro_adapters.cloudinary_images.account import Account
from eggypro_adapters.cloudinary_images.store import CloudinaryImageStore

__all__ = ["Account", "CloudinaryImageStore"]
