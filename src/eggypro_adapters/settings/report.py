"""The settings in force: their values without secrets, and where they come from."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from attrs import frozen

from eggypro_adapters.settings.definition import SettingDefinition, setting_definitions
from eggypro_adapters.settings.settings import Settings

MASK = "***"
DEFAULT, GENERATED = "default", "generated"
MAX_TYPING_ERRORS = 2
"""The most letters by which a name may differ from that of a setting to be taken for a typo."""
_EMBEDDED = "embedded"
_SECRET_OPTION = re.compile("(?<=[?&])([^=&]*(?:pass|secret|key|token)[^=&]*)=[^&]*", re.IGNORECASE)


@frozen
class SettingInForce:
    """A setting in force.

    `source` is `environment`, the name of a .env file, `default`, or `generated`.
    """

    name: str
    value: str
    source: str


def settings_in_force(
    settings: Settings, variables: Mapping[str, str], sources: Mapping[str, str]
) -> Iterator[SettingInForce]:
    """Yield every setting, read from `variables`, whose `sources` have the same names."""
    for definition in setting_definitions(Settings):
        variable, text = definition.lookup(variables)
        value = _shown_value(definition, getattr(settings, definition.field))
        if text:
            also = f" ({variable})" if variable != definition.name else ""
            yield SettingInForce(definition.name, value, f"{sources[variable]}{also}")
        elif definition.name == "ADMIN_SECRET_KEY":
            yield SettingInForce(definition.name, MASK, GENERATED)
        else:
            yield SettingInForce(definition.name, value, DEFAULT)


def warn_of_typos(variables: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable whose name is nearly that of a setting."""
    known = [
        name for row in setting_definitions(Settings) for name in (row.name, row.alias) if name
    ]
    return [
        f"{name} is not a setting: did you mean {nearest}?"
        for name in variables
        if name not in known and (nearest := _nearest_name(name.upper(), known))
    ]


def _shown_value(definition: SettingDefinition, value: object) -> str:
    if value is None:
        return _EMBEDDED if definition.name == "POSTGRES_URL" else ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return _mask(str(value)) if definition.is_secret else str(value)


def _mask(secret: str) -> str:
    """Return a URL without its password and secret options; nothing of any other secret."""
    if "://" not in secret:
        return MASK
    user, at, host = urlsplit(secret).netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    shown = f"{name}:{MASK}" if colon else MASK
    return _SECRET_OPTION.sub(
        rf"\1={MASK}", secret.replace(f"{user}{at}{host}", f"{shown}{at}{host}" if at else host, 1)
    )


def _nearest_name(name: str, known: list[str]) -> str:
    """Return the known name with the fewest typing errors, empty if all have too many."""
    for edits in range(MAX_TYPING_ERRORS + 1):
        for candidate in known:
            if _differs_by_at_most(name, candidate, edits):
                return candidate
    return ""


def _differs_by_at_most(text: str, other: str, edits: int) -> bool:
    """Return whether as many insertions, deletions and replacements make `other` of `text`."""
    if abs(len(text) - len(other)) > edits:
        return False
    while text and other and text[0] == other[0]:
        text, other = text[1:], other[1:]
    if not text or not other:
        return True
    return edits > 0 and (
        _differs_by_at_most(text[1:], other, edits - 1)
        or _differs_by_at_most(text, other[1:], edits - 1)
        or _differs_by_at_most(text[1:], other[1:], edits - 1)
    )
