"""Image store at Cloudinary. Its SDK is imported by the first request to Cloudinary."""

from eggypro_adapters.cloudinary_images.account import CloudinaryAccount
from eggypro_adapters.cloudinary_images.store import CloudinaryImageStore

__all__ = ["CloudinaryAccount", "CloudinaryImageStore"]
