"""Tokens over HTTP: the admin key in exchange for one that does less, and not for long."""

import falcon
import orjson

from eggypro_core.access.authentication import Credential, TokenWish
from eggypro_core.serializers import grant_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import optional_json_object
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Answer
from eggypro_http.routing import Route


def log_in(shop: Shop, request: falcon.Request) -> Answer:
    """Issue a token, and answer who its bearer is."""
    wish = TokenWish.read(optional_json_object(request))
    require_no_parameters(request)
    return Answer(orjson.dumps(grant_body(shop.authenticator.grant(wish))))


ROUTES = (
    Route(
        method="POST",
        path="/api/auth/admin",
        summary="Get a token in exchange for the admin key",
        handler=log_in,
        permission=Credential.KEY,
        body="TokenWish",
        answer="Grant",
    ),
)
