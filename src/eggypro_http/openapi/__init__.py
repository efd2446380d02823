"""The API described, as OpenAPI 3.1 has it, from the routes and rules that make it."""

from eggypro_http.openapi.resource import openapi_json, with_openapi_route

__all__ = ["openapi_json", "with_openapi_route"]
