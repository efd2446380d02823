"""What a handler answers: bytes that are ready to be sent, and the headers that describe them."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

import falcon
import orjson
from attrs import field, frozen

from eggypro_core.representation import Json

JSON = "application/json"
_TAGS = re.compile(r'"[!#-~\x80-\xff]*"')
_EACH_TAG = re.compile(r'(W/)?"([^"]*)"')
_VERSION = re.compile(r"([0-9]{1,10})\.")
_COMMON_ACCEPT = frozenset({"", "*/*", JSON})


@frozen
class Answer:
    """The body of an answer, and headers by their names in lower case."""

    body: bytes
    headers: Mapping[str, str] = field(factory=dict)


NOTHING = Answer(b"")
"""The answer of a deletion."""


def tagged(body: Json, *, version: int | None = None, modified: datetime | None = None) -> Answer:
    """Return an answer whose ETag is a hash of its bytes, behind the version if it has one."""
    data = orjson.dumps(body)
    digest = blake2b(data, digest_size=12).hexdigest()
    tag = f'"{digest}"' if version is None else f'"{version}.{digest}"'
    if modified is None:
        return Answer(data, {"etag": tag})
    return Answer(data, {"etag": tag, "last-modified": falcon.dt_to_http(modified)})


def stock_answer(stock: int) -> Answer:
    """Return what a change of stock answers: what is there then."""
    return Answer(orjson.dumps({"stock_quantity": stock}))


def is_known(answer: Answer, request: falcon.Request) -> bool:
    """Whether the caller holds this very answer, and says so by If-None-Match."""
    held = request.env.get("HTTP_IF_NONE_MATCH")
    if held is None or "etag" not in answer.headers:
        return False
    return held.strip() == "*" or answer.headers["etag"] in _TAGS.findall(held)


def version_named(request: falcon.Request) -> int | None:
    """Return the version that a write is for, by its If-Match; None where any is right.

    Of several it is the newest. 0, which no product has, stands for tags that name none; a weak
    one names none either (RFC 9110, 13.1.1).
    """
    wanted = request.env.get("HTTP_IF_MATCH", "*").strip()
    if wanted == "*":
        return None
    strong = (tag for weak, tag in _EACH_TAG.findall(wanted) if not weak)
    return max((int(found[1]) for found in map(_VERSION.match, strong) if found), default=0)


def require_json_accepted(request: falcon.Request) -> None:
    """Raise HTTPNotAcceptable if the caller takes no JSON."""
    accept: str = request.env.get("HTTP_ACCEPT", "")
    if accept not in _COMMON_ACCEPT and not _takes_json(accept):
        raise falcon.HTTPNotAcceptable(description=f"All that is served here is {JSON}")


def _takes_json(accept: str) -> bool:
    try:
        return falcon.mediatypes.quality(JSON, accept.lower()) > 0
    except ValueError:
        return False
