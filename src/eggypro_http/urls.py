"""URLs of the API: path converters, path templates and redirects of renamed products."""

import re
from collections.abc import Mapping, Sequence

import falcon
from falcon.routing import BaseConverter

from eggypro_core.domain.image import is_public_id
from eggypro_core.domain.pagination import MAX_ID
from eggypro_core.domain.slug import is_slug

_is_long = re.compile("[1-9][0-9]{0,17}").fullmatch
_is_id = re.compile("[1-9][0-9]{0,9}").fullmatch
_PLACEHOLDER = re.compile(r"{(\w+)}")
_CONVERTER_BY_NAME = {
    "slug": "slug",
    "variant": "id",
    "review": "id",
    "key": "id",
    "category": "slug",
    "image": "image",
    "public_id": "public_id",
    "upload": "slug",
    "job": "slug",
    "batch": "long",
    "code": "slug",
}
"""The converter of each variable in the path of a route."""
_CONVERTER_SUFFIX = re.compile(r":\w+(?=})")
_PUBLIC_NAMES = {
    **dict.fromkeys(("variant", "review", "upload", "batch", "key"), "id"),
    "image": "public_id}/{rendition",
}
"""The names of variables in the public documentation, where they differ."""


class SlugConverter(BaseConverter):
    """Path converter that matches only slugs; any other path is not found."""

    def convert(self, value: str) -> str | None:
        """Return the slug, or None if `value` is not a slug."""
        return value if is_slug(value) else None


class IdConverter(BaseConverter):
    """Path converter that matches only ids, written as in JSON."""

    def convert(self, value: str) -> int | None:
        """Return the id, or None if `value` is not an id."""
        return int(value) if _is_id(value) and int(value) <= MAX_ID else None


class LongIdConverter(BaseConverter):
    """Path converter that matches only ids of 64 bits, written as in JSON."""

    def convert(self, value: str) -> int | None:
        """Return the id, or None if `value` is not an id."""
        return int(value) if _is_long(value) else None


class ImageConverter(BaseConverter):
    """Path converter for the public id of an image, which may contain slashes, and a rendition."""

    CONSUME_MULTIPLE_SEGMENTS = True

    def convert(self, value: Sequence[str]) -> tuple[str, str] | None:
        """Return public id and rendition, or None if the public id is invalid."""
        *segments, rendition = value
        public_id = "/".join(segments)
        return (public_id, rendition) if is_public_id(public_id) else None


class PublicIdConverter(BaseConverter):
    """Path converter for the public id of an image, which may contain slashes."""

    CONSUME_MULTIPLE_SEGMENTS = True

    def convert(self, value: Sequence[str]) -> str | None:
        """Return the public id, or None if it is invalid."""
        public_id = "/".join(value)
        return public_id if is_public_id(public_id) else None


def falcon_template(path: str) -> str:
    """Return the path of a route as a Falcon URI template."""
    return _PLACEHOLDER.sub(lambda match: f"{{{match[1]}:{_CONVERTER_BY_NAME[match[1]]}}}", path)


def public_path(path: str) -> str:
    """Return the path of a route as documented: `/api/reviews/{id}`."""
    names = _PUBLIC_NAMES if "{slug}" in path else {**_PUBLIC_NAMES, "category": "slug"}
    return _PLACEHOLDER.sub(lambda match: f"{{{names.get(match[1], match[1])}}}", path)


def redirect_url(request: falcon.Request, params: Mapping[str, object], slug: str) -> str:
    """Return the URL of a request with another slug; the query string is preserved."""
    path = _CONVERTER_SUFFIX.sub("", request.uri_template or "").format(**{**params, "slug": slug})
    return f"{path}?{request.query_string}" if request.query_string else path
