"""API key resource: create, list and revoke."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.serializers import KEYS_PATH, api_key_list_body, created_api_key_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.requests.rate_limits import authenticated_user
from eggypro_http.responses import NO_CONTENT, Response
from eggypro_http.routing import Route


def list_api_keys(shop: Shop, request: falcon.Request) -> Response:
    """Return all keys, newest first."""
    require_no_parameters(request)
    return Response(orjson.dumps(api_key_list_body(shop.api_keys.list())))


def create_api_key(shop: Shop, request: falcon.Request) -> Response:
    """Create a key and return it with its text."""
    values = json_object(request)
    require_no_parameters(request)
    created = shop.api_keys.create(values, authenticated_user(request.env))
    location = f"{KEYS_PATH}/{created.api_key.id}"
    return Response(orjson.dumps(created_api_key_body(created)), {"location": location})


def revoke_api_key(shop: Shop, request: falcon.Request, key: int) -> Response:
    """Revoke a key. Idempotent."""
    require_no_parameters(request)
    shop.api_keys.revoke(key)
    return NO_CONTENT


ROUTES = (
    Route(
        method="GET",
        path=KEYS_PATH,
        summary="List API keys, newest first",
        handler=list_api_keys,
        permission=Permission.KEYS_WRITE,
        response_schema="ApiKeyList",
    ),
    Route(
        method="POST",
        path=KEYS_PATH,
        summary="Create an API key, which is shown only once",
        handler=create_api_key,
        permission=Permission.KEYS_WRITE,
        request_schema="ApiKeyDraft",
        response_schema="CreatedApiKey",
        success_status=201,
        is_idempotent=False,
    ),
    Route(
        method="DELETE",
        path=f"{KEYS_PATH}/{{key}}",
        summary="Revoke an API key",
        handler=revoke_api_key,
        permission=Permission.KEYS_WRITE,
        success_status=204,
    ),
)
