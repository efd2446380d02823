"""Stock resource: the stock of several products and variants in one step."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.serializers import STOCK_PATH, stock_levels_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route


def change_stock(shop: Shop, request: falcon.Request) -> Response:
    """Change the stock of all items or none, and return the new levels."""
    values = json_object(request)
    require_no_parameters(request)
    return Response(orjson.dumps(stock_levels_body(shop.products.change_stock(values))))


ROUTES = (
    Route(
        method="POST",
        path=STOCK_PATH,
        summary="Change the stock of several products and variants in one step",
        handler=change_stock,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="StockUpdate",
        response_schema="StockLevels",
    ),
)
