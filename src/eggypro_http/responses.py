"""Responses of handlers, ETags, conditional requests and content negotiation."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TypeAlias

import falcon
import orjson
from attrs import field, frozen

from eggypro_core.caching.entries import Tags
from eggypro_core.domain.image import ServedImage
from eggypro_core.serializers import Json

JSON_MEDIA_TYPE = "application/json"
_IMAGE_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
# Compressing proxies mark ETags as weak, or add a suffix.
_OPAQUE_TAGS = re.compile(r'"([!#-~\x80-\xff]*?)(?:-gzip|-br)?"')
_VERSION = re.compile(r"([0-9]{1,10})\.")
_JSON_ACCEPT = frozenset({"", "*/*", JSON_MEDIA_TYPE})


@frozen
class Response:
    """The body and headers of a response; header names are lower case.

    A `file` replaces the body: the receiver must send or close it. A response that is not
    `is_cacheable` is never cached. The `tags` name what it shows, besides those of the route. A
    `status` overrides that of the route.
    """

    body: bytes
    headers: Mapping[str, str] = field(factory=dict)
    file: ServedImage | None = None
    is_cacheable: bool = True
    tags: Tags = ()
    status: int | None = None


Handler: TypeAlias = Callable[..., Response]
"""Handles a request, given the shop, the request and the path variables."""

NO_CONTENT = Response(b"")
"""The response to a deletion."""


def with_etag(
    body: Json, *, version: int | None = None, modified: datetime | None = None
) -> Response:
    """Return a JSON response whose ETag is the hash of its bytes, after the version if given."""
    data = orjson.dumps(body)
    digest = blake2b(data, digest_size=12).hexdigest()
    etag = f'"{digest}"' if version is None else f'"{version}.{digest}"'
    if modified is None:
        return Response(data, {"etag": etag})
    return Response(data, {"etag": etag, "last-modified": falcon.dt_to_http(modified)})


def stock_response(stock: int) -> Response:
    """Return the response to a stock change: the new stock quantity."""
    return Response(orjson.dumps({"stock_quantity": stock}))


def write_response(result: Response, request: falcon.Request, response: falcon.Response) -> None:
    """Set the body of Falcon's response to that of `result`, as a stream if it is a file."""
    if result.file is None:
        response.data = result.body
        return
    response.content_type = _IMAGE_TYPES[result.file.format]
    if request.method == "HEAD":
        result.file.stream.close()
        response.content_length = result.file.size
    else:
        response.set_stream(result.file.stream, result.file.size)


def is_not_modified(result: Response, request: falcon.Request) -> bool:
    """Return whether If-None-Match of the request matches the ETag of the response."""
    header = request.env.get("HTTP_IF_NONE_MATCH")
    if header is None or "etag" not in result.headers:
        return False
    [tag] = _OPAQUE_TAGS.findall(result.headers["etag"])
    return header.strip() == "*" or tag in _OPAQUE_TAGS.findall(header)


def if_match_versions(request: falcon.Request) -> Collection[int] | None:
    """Return the versions that If-Match names, or None if any version is accepted.

    ETags without a version name none.
    """
    header = request.env.get("HTTP_IF_MATCH", "*").strip()
    if header == "*":
        return None
    matches = map(_VERSION.match, _OPAQUE_TAGS.findall(header))
    return {int(match[1]) for match in matches if match}


def require_json_accepted(request: falcon.Request) -> None:
    """Raise HTTPNotAcceptable if the client does not accept JSON."""
    accept: str = request.env.get("HTTP_ACCEPT", "")
    if accept not in _JSON_ACCEPT and not _accepts(JSON_MEDIA_TYPE, accept):
        raise falcon.HTTPNotAcceptable(description=f"Only {JSON_MEDIA_TYPE} is available")


def accepts(request: falcon.Request, media_type: str) -> bool:
    """Return whether the Accept header names `media_type` itself; `*/*` does not count."""
    accept: str = request.env.get("HTTP_ACCEPT", "").lower()
    return media_type in accept and _accepts(media_type, accept)


def _accepts(media_type: str, accept: str) -> bool:
    try:
        return falcon.mediatypes.quality(media_type, accept.lower()) > 0
    except ValueError:
        return False
