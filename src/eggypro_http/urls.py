"""Addresses of the API: how their slugs are told apart, and where a renamed product is now."""

import re
from collections.abc import Mapping, Sequence

import falcon
from falcon.routing import BaseConverter

from eggypro_core.domain.image import is_public_id
from eggypro_core.domain.pagination import MAX_ID
from eggypro_core.domain.slug import is_slug

_is_id = re.compile("[1-9][0-9]{0,9}").fullmatch
_PLACEHOLDER = re.compile(r"{(\w+)}")
_CONVERTER_BY_NAME = {
    "slug": "slug",
    "variant": "id",
    "review": "id",
    "category": "slug",
    "image": "image",
    "public_id": "public_id",
    "upload": "slug",
    "job": "slug",
}
"""What stands for each name in the path of a route."""
_CONVERTER_SUFFIX = re.compile(r":\w+(?=})")
_PUBLIC_NAMES = {"variant": "id", "review": "id", "upload": "id", "image": "public_id}/{rendition"}
"""What callers know some of them by."""


class SlugConverter(BaseConverter):
    """Lets a path match only where a slug stands for `{slug}`: all else is no address of ours."""

    def convert(self, value: str) -> str | None:
        """Return the slug, None for what cannot be one."""
        return value if is_slug(value) else None


class IdConverter(BaseConverter):
    """Lets a path match only where an id stands, as it is written in JSON."""

    def convert(self, value: str) -> int | None:
        """Return the id, None for what cannot be one."""
        return int(value) if _is_id(value) and int(value) <= MAX_ID else None


class ImageConverter(BaseConverter):
    """Lets a path end in the public id of an image, which may hold slashes, and a rendition."""

    CONSUME_MULTIPLE_SEGMENTS = True

    def convert(self, value: Sequence[str]) -> tuple[str, str] | None:
        """Return both, None for what cannot be a public id."""
        *names, rendition = value
        public_id = "/".join(names)
        return (public_id, rendition) if is_public_id(public_id) else None


class PublicIdConverter(BaseConverter):
    """Lets a path end in the public id of an image, which may hold slashes."""

    CONSUME_MULTIPLE_SEGMENTS = True

    def convert(self, value: Sequence[str]) -> str | None:
        """Return it, None for what cannot be one."""
        public_id = "/".join(value)
        return public_id if is_public_id(public_id) else None


def falcon_template(path: str) -> str:
    """Return the path of a route as Falcon takes it."""
    return _PLACEHOLDER.sub(lambda found: f"{{{found[1]}:{_CONVERTER_BY_NAME[found[1]]}}}", path)


def public_path(path: str) -> str:
    """Return the path of a route as callers know it: `/api/reviews/{id}`."""
    called = _PUBLIC_NAMES if "{slug}" in path else {**_PUBLIC_NAMES, "category": "slug"}
    return _PLACEHOLDER.sub(lambda found: f"{{{called.get(found[1], found[1])}}}", path)


def redirect_url(request: falcon.Request, params: Mapping[str, object], slug: str) -> str:
    """Return the address of a request with another slug, query string and all."""
    path = _CONVERTER_SUFFIX.sub("", request.uri_template or "").format(**{**params, "slug": slug})
    return f"{path}?{request.query_string}" if request.query_string else path
