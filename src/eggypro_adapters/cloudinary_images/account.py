"""Whose images these are, and how long Cloudinary is waited for."""

from attrs import field, frozen


@frozen(kw_only=True)
class Timeouts:
    """How many seconds are waited: to connect, in silence, and for the whole answer."""

    connect: float
    read: float
    total: float


DEFAULT_TIMEOUTS = Timeouts(connect=3, read=15, total=25)
HEALTH_TIMEOUTS = Timeouts(connect=1, read=1.5, total=1.5)
"""For a question about health, which itself must be answered within two seconds."""


@frozen
class Account:
    """An account at Cloudinary, the address of the API that knows it, and the patience with it."""

    cloud_name: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    upload_prefix: str = "https://api.cloudinary.com"
    patience: Timeouts = DEFAULT_TIMEOUTS
