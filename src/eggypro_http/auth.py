"""Tokens over HTTP: the admin key in exchange for one that does less, and not for long."""

import falcon
import orjson

from eggypro_core.access import Credential, TokenWish
from eggypro_core.app import EggyPro
from eggypro_core.representation import grant_body
from eggypro_http.answers import Answer
from eggypro_http.bodies import optional_json_object
from eggypro_http.parameters import require_no_parameters
from eggypro_http.routes import Route


def log_in(shop: EggyPro, request: falcon.Request) -> Answer:
    """Issue a token, and answer who its bearer is."""
    wish = TokenWish.read(optional_json_object(request))
    require_no_parameters(request)
    return Answer(orjson.dumps(grant_body(shop.gate.grant(wish))))


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
