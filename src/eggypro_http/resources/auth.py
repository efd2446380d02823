"""Token resource: exchanges the admin key for a token with fewer permissions and an expiry."""

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
    """Issue a token, and return it with its user."""
    token_request = TokenRequest.parse(optional_json_object(request))
    require_no_parameters(request)
    return Response(orjson.dumps(token_body(shop.authenticator.issue_token(token_request))))


ROUTES = (
    Route(
        method="POST",
        path="/api/auth/admin",
        summary="Exchange the admin key for a token",
        handler=create_token,
        permission=Credential.KEY,
        request_schema="TokenRequest",
        response_schema="TokenResponse",
        is_idempotent=False,
    ),
)
