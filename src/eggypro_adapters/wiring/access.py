"""Tokens, the admin key file and the rate counter, according to the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from eggypro_adapters.generated_secrets import (
    ADMIN_KEY_FILE,
    read_or_create_admin_key,
    read_or_create_jwt_secret,
)
from eggypro_adapters.jwt_tokens import DeferredTokenSigner, JwtTokenSigner
from eggypro_adapters.settings import Settings
from eggypro_core.access.authentication import TokenService
from eggypro_core.access.rate_limiting import RateCounter
from eggypro_core.errors import ConfigurationError, FieldError
from eggypro_core.operations.error_tracking import OutageDetector
from eggypro_core.ports import utc_now


def require_tokens(settings: Settings) -> TokenService:
    """Return the tokens of the shop, without connecting to anything.

    Creates the secrets of a development machine if there are none yet. Raises ConfigurationError.
    """
    tokens = find_tokens(settings, admin_key(settings))
    if tokens is None:
        raise ConfigurationError(
            [FieldError("JWT_SECRET", "JWT_SECRET is required to issue tokens")]
        )
    return tokens


def find_tokens(settings: Settings, admin_key: str) -> TokenService | None:
    """Return the tokens of the shop; None in production without a JWT_SECRET."""
    if settings.in_production and not settings.jwt_secret:
        return None

    def create_signer() -> JwtTokenSigner:
        secret = settings.jwt_secret or read_or_create_jwt_secret(settings.eggypro_data_dir)
        return JwtTokenSigner(secret, admin_key, settings.jwt_secret_previous)

    return TokenService(DeferredTokenSigner(create_signer), utc_now)


def admin_key(settings: Settings) -> str:
    """Return the admin key: the configured one, else the generated one."""
    return settings.admin_secret_key or read_or_create_admin_key(settings.eggypro_data_dir)


def admin_key_file(settings: Settings) -> Path | None:
    """Return the file of the generated admin key; None if the settings have a key."""
    return None if settings.admin_secret_key else settings.eggypro_data_dir / ADMIN_KEY_FILE


@contextmanager
def open_rate_counter(redis_url: str | None, outage: OutageDetector) -> Iterator[RateCounter]:
    """Yield the rate counter: in memory, shared through Redis if there is one."""
    from eggypro_adapters.memory import MemoryRateCounter

    local = MemoryRateCounter(monotonic)
    if redis_url is None:
        yield local
    else:
        from eggypro_adapters.redis import shared_rate_counter

        with shared_rate_counter(redis_url, local, outage=outage) as counter:
            yield counter
