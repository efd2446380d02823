"""What the value of a setting may be: each kind with the one sentence that refuses all others."""

import re
from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)
Network = IPv4Network | IPv6Network


@frozen
class SettingType(Generic[T]):
    """A kind of value: `parse` raises ValueError for any text that is not as `expects` says.

    Only `expects` is ever shown: the ValueError's own text may repeat the value.
    """

    expects: str
    parse: Callable[[str], T]
    sentence: str = "{} {}"

    def error_message(self, name: str) -> str:
        """Return the sentence that refuses what a variable holds."""
        return self.sentence.format(name, self.expects)


class AppEnvironment(StrEnum):
    """Where the program runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class Pooler(StrEnum):
    """Whether a transaction pooler (PgBouncer, Neon) stands before Postgres."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class ImageStoreKind(StrEnum):
    """Who keeps the images."""

    CLOUDINARY = "cloudinary"
    LOCAL = "local"


class LogLevel(StrEnum):
    """The least serious kind of line that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class LogFormat(StrEnum):
    """How a log line is written: for machines or for people."""

    JSON = "json"
    CONSOLE = "console"


# The codes of ISO 4217 with two decimals: no funds, metals, or those with none, three or four.
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
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(:[0-9]+)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def one_of(choices: type[Choice]) -> SettingType[Choice]:
    """Make the kind of the texts of an enumeration, in upper or lower case."""
    return SettingType(f"must be one of {', '.join(choices)}", lambda text: choices(text.lower()))


def integer_between(least: int, most: int) -> SettingType[int]:
    """Make the kind of the whole numbers between two bounds, both included."""

    def parse(text: str) -> int:
        _require(text.isascii() and text.isdigit())
        number = int(text)
        _require(least <= number <= most)
        return number

    return SettingType(f"must be a whole number from {least} to {most}, in plain digits", parse)


def secret(least: int) -> SettingType[str]:
    """Make the kind of the secrets of at least so many characters that a header can carry."""

    def parse(text: str) -> str:
        _require(len(text) >= least and _VISIBLE.fullmatch(text) is not None)
        return text

    return SettingType(
        f"must be at least {least} characters, all visible ASCII without spaces", parse
    )


def _require(condition: object) -> None:
    if not condition:
        raise ValueError


def _address(text: str, *schemes: str) -> SplitResult:
    # `urlsplit` silently drops line breaks, and reads the end of a password that holds an @ as
    # the host.
    _require(_VISIBLE.fullmatch(text))
    parts = urlsplit(text)
    _require(parts.scheme in schemes and text.lower().startswith(f"{parts.scheme}://"))
    _require(not parts.fragment and parts.netloc.count("@") <= 1)
    _require(parts.port != 0 and _PLACE.fullmatch(parts.netloc.rpartition("@")[2]))
    return parts


def _yes_or_no(text: str) -> bool:
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
    # SQLAlchemy takes all before an @ for the password, even over a slash.
    _require(len(parts.path) > 1 and "@" not in parts.path + parts.query)
    return f"postgresql+psycopg{text[text.index(':') :]}"


def _redis_url(text: str) -> str:
    scheme, _, rest = text.partition("+cluster://")
    if rest:
        return f"{_redis_scheme(scheme)}+cluster://{_cluster_places(rest)}"
    parts = _address(text, "redis", "rediss", "valkey", "unix")
    if parts.scheme == "unix":
        _require(len(parts.path) > 1)
        return text
    _require(parts.hostname and re.fullmatch(r"(/[0-9]*)?", parts.path))
    return f"{_redis_scheme(parts.scheme)}{text[text.index(':') :]}"


def _redis_scheme(text: str) -> str:
    _require(text in {"redis", "rediss", "valkey"})
    return "redis" if text == "valkey" else text


def _cluster_places(text: str) -> str:
    """Return the user and the hosts of a cluster: each must make an address of its own."""
    rest = text.rstrip("/")
    user, at, places = rest.rpartition("@")
    for place in places.split(","):
        parts = _address(f"redis://{user}{at}{place}", "redis")
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
    parts = urlsplit(_http_url(text))
    _require(not parts.path)
    host = f"[{parts.hostname}]" if "[" in parts.netloc else parts.hostname
    default = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{parts.port}"


def _listed(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    def parse_all(text: str) -> tuple[T, ...]:
        items = (item.strip() for item in text.split(","))
        return tuple(dict.fromkeys(parse(item) for item in items if item))

    return parse_all


_INVALID = "Invalid {}: it {}"
BOOLEAN = SettingType("must be true or false", _yes_or_no)
WORD = SettingType("must be visible ASCII without spaces", _word)
CLOUD_NAME = SettingType("must be letters, digits, - and _", _cloud_name)
CURRENCY = SettingType("must be an ISO 4217 code with two decimals, such as EUR", _currency)
FOLDER = SettingType("must be the path of a folder", _folder)
POSTGRES_URL = SettingType(
    "must be postgresql://user:password@host:port/database, or name the host as ?host=...;"
    " special characters in the password are percent-encoded",
    _postgres_url,
    _INVALID,
)
REDIS_URL = SettingType(
    "must be redis://, rediss:// or valkey:// with a host and at most the database's number,"
    " redis+cluster:// with hosts separated by commas, or unix:// with a path",
    _redis_url,
)
HTTP_URL = SettingType(
    "must be an http:// or https:// address without user, ? and #", _http_url, _INVALID
)
SENTRY_DSN = SettingType("must be an address such as https://key@host/project", _sentry_dsn)
ORIGINS = SettingType(
    "must be origins such as https://shop.example, separated by commas", _listed(_origin)
)
NETWORKS: SettingType[tuple[Network, ...]] = SettingType(
    "must be IP networks or addresses such as 10.0.0.0/8, separated by commas, with no bit set"
    " beyond the mask",
    _listed(ip_network),
)
