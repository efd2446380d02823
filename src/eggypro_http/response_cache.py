"""Answers for everybody, kept in the cache: by their address, until what they show is written."""

import falcon

from eggypro_core.caching.entries import CachedResponse
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.shop import Shop
from eggypro_http.responses import Handler, Response


def cached(handler: Handler, tags: tuple[str, ...], cache: ReadCache | None) -> Handler:
    """Return a handler that asks the cache first; what has no tags is not kept."""
    if cache is None or not tags:
        return handler

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Response:
        def load() -> CachedResponse:
            answer = handler(shop, request, **path)
            return CachedResponse(answer.body, answer.headers, answer.is_cacheable)

        key = f"{request.env['PATH_INFO']}?{request.query_string}"
        named = tuple([tag.format_map(path) for tag in tags])
        kept, outcome = cache.get_or_load(key, named, load)
        return Response(kept.body, {**kept.headers, "x-cache": outcome})

    return handle
