"""What a handler answers: bytes that are ready to be sent, and the headers that describe them."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TypeAlias

import falcon
import orjson
from attrs import field, frozen

from eggypro_core.domain.image import ServedImage
from eggypro_core.serializers import Json

JSON = "application/json"
_IMAGES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_TAGS = re.compile(r'"[!#-~\x80-\xff]*"')
_TAG = re.compile(r'(W/)?"([^"]*)"')
_VERSION = re.compile(r"([0-9]{1,10})\.")
_JSON_ACCEPT = frozenset({"", "*/*", JSON})


@frozen
class Response:
    """The body of an answer, and headers by their names in lower case.

    A file takes the place of the body. Who has the answer sends it, or at least closes it. One that
    does not last is never kept for the next who asks. A `status` takes the place of the route's.
    """

    body: bytes
    headers: Mapping[str, str] = field(factory=dict)
    file: ServedImage | None = None
    is_cacheable: bool = True
    status: int | None = None


Handler: TypeAlias = Callable[..., Response]
"""Is called with the shop, the request and what its path names."""

NO_CONTENT = Response(b"")
"""The answer of a deletion."""


def with_etag(
    body: Json, *, version: int | None = None, modified: datetime | None = None
) -> Response:
    """Return an answer whose ETag is a hash of its bytes, behind the version if it has one."""
    data = orjson.dumps(body)
    digest = blake2b(data, digest_size=12).hexdigest()
    tag = f'"{digest}"' if version is None else f'"{version}.{digest}"'
    if modified is None:
        return Response(data, {"etag": tag})
    return Response(data, {"etag": tag, "last-modified": falcon.dt_to_http(modified)})


def stock_response(stock: int) -> Response:
    """Return what a change of stock answers: what is there then."""
    return Response(orjson.dumps({"stock_quantity": stock}))


def send(answer: Response, request: falcon.Request, response: falcon.Response) -> None:
    """Have the body of an answer be sent, in pieces if it is a file."""
    if answer.file is None:
        response.data = answer.body
        return
    response.content_type = _IMAGES[answer.file.format]
    if request.method == "HEAD":
        answer.file.stream.close()
        response.content_length = answer.file.size
    else:
        response.set_stream(answer.file.stream, answer.file.size)


def is_not_modified(answer: Response, request: falcon.Request) -> bool:
    """Whether the caller holds this very answer, and says so by If-None-Match."""
    held = request.env.get("HTTP_IF_NONE_MATCH")
    if held is None or "etag" not in answer.headers:
        return False
    return held.strip() == "*" or answer.headers["etag"] in _TAGS.findall(held)


def if_match_version(request: falcon.Request) -> int | None:
    """Return the version that a write is for, by its If-Match; None where any is right.

    Of several it is the newest. 0, which no product has, stands for tags that name none; a weak
    one names none either (RFC 9110, 13.1.1).
    """
    wanted = request.env.get("HTTP_IF_MATCH", "*").strip()
    if wanted == "*":
        return None
    strong = (tag for weak, tag in _TAG.findall(wanted) if not weak)
    return max((int(found[1]) for found in map(_VERSION.match, strong) if found), default=0)


def require_json_accepted(request: falcon.Request) -> None:
    """Raise HTTPNotAcceptable if the caller takes no JSON."""
    accept: str = request.env.get("HTTP_ACCEPT", "")
    if accept not in _JSON_ACCEPT and not _accepts(JSON, accept):
        raise falcon.HTTPNotAcceptable(description=f"All that is served here is {JSON}")


def accepts(request: falcon.Request, media_type: str) -> bool:
    """Whether the caller names a type among those that they take: `*/*` does not say so."""
    accept: str = request.env.get("HTTP_ACCEPT", "").lower()
    return media_type in accept and _accepts(media_type, accept)


def _accepts(media_type: str, accept: str) -> bool:
    try:
        return falcon.mediatypes.quality(media_type, accept.lower()) > 0
    except ValueError:
        return False
