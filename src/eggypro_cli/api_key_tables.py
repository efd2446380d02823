"""Tables of API keys for people."""

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table

from eggypro_core import ApiKey

_PADDING = (0, 2, 0, 0)


def api_key_table(api_keys: Iterable[ApiKey], now: datetime) -> Table:
    """Render keys, one in each line."""
    table = Table(box=None, padding=_PADDING)
    for column in ("id", "prefix", "name", "permissions", "last used (UTC)", "state"):
        table.add_column(column, overflow="fold", no_wrap=column in {"prefix", "permissions"})
    for key in api_keys:
        table.add_row(
            str(key.id),
            key.prefix,
            key.name,
            "\n".join(sorted(key.permissions)),
            "never" if key.last_used_at is None else f"{key.last_used_at:%Y-%m-%d %H:%M}",
            _state(key, now),
        )
    return table


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "valid"
    return f"{'expired' if key.expires_at <= now else 'valid until'} {key.expires_at:%Y-%m-%d}"
