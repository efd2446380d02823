"""Addresses of the API: how their slugs are told apart, and where a renamed product is now."""

import re
from collections.abc import Mapping

import falcon
from falcon.routing import BaseConverter

from eggypro_core.slugs import is_slug

_CONVERTER = re.compile(r":\w+(?=})")


class SlugConverter(BaseConverter):
    """Lets a path match only where a slug stands for `{slug}`: all else is no address of ours."""

    def convert(self, value: str) -> str | None:
        """Return the slug, None for what cannot be one."""
        return value if is_slug(value) else None


def template(path: str) -> str:
    """Return the path of a route as Falcon takes it."""
    return path.replace("{slug}", "{slug:slug}").replace("{category}", "{category:slug}")


def moved_to(request: falcon.Request, params: Mapping[str, str], slug: str) -> str:
    """Return the address of a request with another slug, query string and all."""
    path = _CONVERTER.sub("", request.uri_template or "").format(**{**params, "slug": slug})
    return f"{path}?{request.query_string}" if request.query_string else path
