"""Cloudinary account and request timeouts."""

from attrs import field, frozen


@frozen(kw_only=True)
class Timeouts:
    """Timeouts in seconds: to connect, between bytes received, and for the whole request."""

    connect: float
    read: float
    total: float


DEFAULT_TIMEOUTS = Timeouts(connect=3, read=15, total=25)
HEALTH_TIMEOUTS = Timeouts(connect=1, read=1.5, total=1.5)
"""Timeouts of health checks, which must be done within two seconds."""


@frozen
class CloudinaryAccount:
    """Cloudinary account: credentials, URL of the API, and timeouts."""

    cloud_name: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    upload_prefix: str = "https://api.cloudinary.com"
    timeouts: Timeouts = DEFAULT_TIMEOUTS
