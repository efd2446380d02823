"""Answers for everybody, kept in the cache: by their address, until what they show is written."""

import falcon

from eggypro_core.caching.entries import Rendering
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.shop import Shop
from eggypro_http.responses import Answer, Handler


def kept_answers(handler: Handler, tags: tuple[str, ...], cache: ReadCache | None) -> Handler:
    """Return a handler that asks the cache first; what has no tags is not kept."""
    if cache is None or not tags:
        return handler

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Answer:
        def load() -> Rendering:
            answer = handler(shop, request, **path)
            return Rendering(answer.body, answer.headers, answer.lasts)

        key = f"{request.env['PATH_INFO']}?{request.query_string}"
        named = tuple([tag.format_map(path) for tag in tags])
        kept, outcome = cache.through(key, named, load)
        return Answer(kept.body, {**kept.headers, "x-cache": outcome})

    return handle
