"""OpenAPI 3.1 document of the API, generated from its routes and validators."""

from eggypro_http.openapi.resource import openapi_json, with_openapi_route

__all__ = ["openapi_json", "with_openapi_route"]
