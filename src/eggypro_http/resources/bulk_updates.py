"""Bulk update resource: one change to many products."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission, require_access
from eggypro_core.serializers import BULK_UPDATES_PATH, bulk_report_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.requests.rate_limits import authenticated_user
from eggypro_http.responses import Response
from eggypro_http.routing import Route


def update_many(shop: Shop, request: falcon.Request) -> Response:
    """Update many products, and return what changed."""
    values = json_object(request)
    require_no_parameters(request)
    if values.get("archive") is True:
        require_access(authenticated_user(request.env), Permission.PRODUCTS_DELETE)
    return Response(orjson.dumps(bulk_report_body(shop.bulk_updates.run(values))))


ROUTES = (
    Route(
        method="POST",
        path=BULK_UPDATES_PATH,
        summary="Change many products at once; `archive` also requires `products:delete`",
        handler=update_many,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="BulkUpdate",
        response_schema="BulkReport",
    ),
)
