"""Tokens over HTTP: the admin key in exchange for one that does less, and not for long."""

import falcon
import orjson

from eggypro_core.access.authentication import Credential, TokenRequest
from eggypro_core.serializers import token_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import optional_json_object
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route


def create_token(shop: Shop, request: falcon.Request) -> Response:
    """Issue a token, and answer who its bearer is."""
    wish = TokenRequest.parse(optional_json_object(request))
    require_no_parameters(request)
    return Response(orjson.dumps(token_body(shop.authenticator.issue_token(wish))))


ROUTES = (
    Route(
        method="POST",
        path="/api/auth/admin",
        summary="Get a token in exchange for the admin key",
        handler=create_token,
        permission=Credential.KEY,
        request_schema="TokenRequest",
        response_schema="TokenResponse",
    ),
)
