"""Types of settings: parsers of their values, with the message for invalid ones."""

import re
from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from eggypro_adapters.settings.origins import parse_origin
from eggypro_adapters.settings.postgres_options import libpq_query

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)
Network = IPv4Network | IPv6Network


@frozen
class SettingType(Generic[T]):
    """A type of value: `parse` raises ValueError for a text that `expects` does not allow.

    Only `expects` is shown: the text of the ValueError may contain the value.
    """

    expects: str
    parse: Callable[[str], T]
    message_format: str = "{} {}"

    def error_message(self, name: str) -> str:
        """Return the message for an invalid value of the variable `name`."""
        return self.message_format.format(name, self.expects)


class AppEnvironment(StrEnum):
    """The environment that the program runs in."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class Pooler(StrEnum):
    """Whether Postgres is behind a transaction pooler (PgBouncer, Neon)."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class ImageStoreKind(StrEnum):
    """The kind of image store."""

    CLOUDINARY = "cloudinary"
    LOCAL = "local"


class LogLevel(StrEnum):
    """Minimum level of logged lines."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class LogFormat(StrEnum):
    """Format of the log: for machines or for people."""

    JSON = "json"
    CONSOLE = "console"


# ISO 4217 currencies with two decimals; no funds or metals.
_CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON
    RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
    TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
    """.split()
)
_VISIBLE = re.compile(r"[!-~]+")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(:[0-9]+)?")


def one_of(choices: type[Choice]) -> SettingType[Choice]:
    """Return the type of an enumeration; case does not matter."""
    return SettingType(f"must be one of {', '.join(choices)}", lambda text: choices(text.lower()))


def integer_between(minimum: int, maximum: int) -> SettingType[int]:
    """Return the type of the integers between two bounds, both inclusive."""

    def parse(text: str) -> int:
        _require(text.isascii() and text.isdigit())
        number = int(text)
        _require(minimum <= number <= maximum)
        return number

    expects = f"must be a whole number from {minimum} to {maximum}, in plain digits"
    return SettingType(expects, parse)


def secret(min_length: int) -> SettingType[str]:
    """Return the type of secrets of at least `min_length` characters, valid in a header."""

    def parse(text: str) -> str:
        _require(len(text) >= min_length and _VISIBLE.fullmatch(text) is not None)
        return text

    return SettingType(
        f"must be at least {min_length} characters, all visible ASCII without spaces", parse
    )


def _require(condition: object) -> None:
    if not condition:
        raise ValueError


def _address(text: str, *schemes: str) -> SplitResult:
    # `urlsplit` silently drops line breaks, and takes the part after an @ in a password for the
    # host.
    _require(_VISIBLE.fullmatch(text))
    parts = urlsplit(text)
    _require(parts.scheme in schemes and text.lower().startswith(f"{parts.scheme}://"))
    _require(not parts.fragment and parts.netloc.count("@") <= 1)
    _require(parts.port != 0 and _HOST_AND_PORT.fullmatch(parts.netloc.rpartition("@")[2]))
    return parts


def _boolean(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    _require(text.lower() in words)
    return words[text.lower()]


def _word(text: str) -> str:
    _require(_VISIBLE.fullmatch(text))
    return text


def _cloud_name(text: str) -> str:
    _require(re.fullmatch(r"[A-Za-z0-9_-]+", text))
    return text


def _currency(text: str) -> str:
    _require(text.upper() in _CURRENCIES)
    return text.upper()


def _folder(text: str) -> Path:
    _require("\0" not in text)
    return Path(text)


def _postgres_url(text: str) -> str:
    parts = _address(text, "postgres", "postgresql", "postgresql+psycopg")
    _require(parts.hostname or re.search(r"(^|&)host=[^&]", parts.query))
    # SQLAlchemy takes everything before an @ for the password, even across a slash.
    _require(len(parts.path) > 1 and "@" not in parts.path + parts.query)
    address = text.partition("?")[0]
    options = libpq_query(parts.query)
    return f"postgresql+psycopg{address[address.index(':') :]}{'?' if options else ''}{options}"


def _redis_url(text: str) -> str:
    scheme, _, rest = text.partition("+cluster://")
    if rest:
        return f"{_redis_scheme(scheme)}+cluster://{_cluster_hosts(rest)}"
    parts = _address(text, "redis", "rediss", "valkey", "unix")
    if parts.scheme == "unix":
        _require(len(parts.path) > 1)
        return text
    _require(parts.hostname and re.fullmatch(r"(/[0-9]*)?", parts.path))
    return f"{_redis_scheme(parts.scheme)}{text[text.index(':') :]}"


def _redis_scheme(text: str) -> str:
    _require(text in {"redis", "rediss", "valkey"})
    return "redis" if text == "valkey" else text


def _cluster_hosts(text: str) -> str:
    """Return the user and the hosts of a cluster; each host must make a valid address."""
    rest = text.rstrip("/")
    user, at, hosts = rest.rpartition("@")
    for host in hosts.split(","):
        parts = _address(f"redis://{user}{at}{host}", "redis")
        _require(parts.hostname and not parts.path and not parts.query)
    return rest


def _http_url(text: str) -> str:
    parts = _address(text, "http", "https")
    _require(parts.hostname and "@" not in parts.netloc and not parts.query)
    return text.rstrip("/")


def _sentry_dsn(text: str) -> str:
    parts = _address(text, "http", "https")
    _require(parts.hostname and parts.username and parts.path.strip("/"))
    return text


def _origin(text: str) -> str:
    return parse_origin(text, _http_url)


def _comma_separated(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    def parse_all(text: str) -> tuple[T, ...]:
        items = (item.strip() for item in text.split(","))
        return tuple(dict.fromkeys(parse(item) for item in items if item))

    return parse_all


_INVALID_FORMAT = "Invalid {}: it {}"
BOOLEAN = SettingType("must be true or false", _boolean)
WORD = SettingType("must be visible ASCII without spaces", _word)
CLOUD_NAME = SettingType("must consist of letters, digits, - and _", _cloud_name)
CURRENCY = SettingType("must be an ISO 4217 code with two decimals, such as EUR", _currency)
FOLDER = SettingType("must be the path of a folder", _folder)
POSTGRES_URL = SettingType(
    "must be postgresql://user:password@host:port/database, or name the host as ?host=...;"
    " special characters in the password are percent-encoded",
    _postgres_url,
    _INVALID_FORMAT,
)
REDIS_URL = SettingType(
    "must be redis://, rediss:// or valkey:// with a host and optionally a database number,"
    " redis+cluster:// with hosts separated by commas, or unix:// with a path",
    _redis_url,
)
HTTP_URL = SettingType(
    "must be an http:// or https:// URL without user, ? and #", _http_url, _INVALID_FORMAT
)
SENTRY_DSN = SettingType("must be a URL such as https://key@host/project", _sentry_dsn)
ORIGINS = SettingType(
    "must be origins such as https://shop.example, or patterns such as https://*.shop.example,"
    " separated by commas",
    _comma_separated(_origin),
)
NETWORKS: SettingType[tuple[Network, ...]] = SettingType(
    "must be IP networks or addresses such as 10.0.0.0/8, separated by commas, without host"
    " bits beyond the mask",
    _comma_separated(ip_network),
)
