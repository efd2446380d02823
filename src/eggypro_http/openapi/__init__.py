"""The API described, as OpenAPI 3.1 has it, from the routes and rules that make it."""

from eggypro_http.openapi.resource import with_description, written

__all__ = ["with_description", "written"]
