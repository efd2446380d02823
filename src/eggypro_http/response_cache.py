"""Caching of public responses by URL, invalidated by the tags of the data they show."""

import falcon
from attrs import frozen

from eggypro_core.caching.entries import CachedResponse, CacheStatus
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.shop import Shop
from eggypro_http.responses import Handler, Response

CACHE_HIT_KEY = "eggypro.cache_hit"
"""The environ key of the CacheHit of a request."""


@frozen
class CacheHit:
    """A response that came from the cache, with its key there."""

    key: str
    response: CachedResponse


def cached(handler: Handler, tags: tuple[str, ...], cache: ReadCache | None) -> Handler:
    """Return a handler that reads through the cache, or `handler` itself if it has no tags."""
    if cache is None or not tags:
        return handler

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Response:
        def load() -> CachedResponse:
            response = handler(shop, request, **path)
            return CachedResponse(
                response.body, response.headers, response.is_cacheable, response.tags
            )

        key = f"{request.env['PATH_INFO']}?{request.query_string}"
        concrete_tags = tuple([tag.format_map(path) for tag in tags])
        response, outcome = cache.get_or_load(key, concrete_tags, load)
        if outcome is CacheStatus.HIT:
            request.env[CACHE_HIT_KEY] = CacheHit(key, response)
        return Response(response.body, {**response.headers, "x-cache": outcome})

    return handle
