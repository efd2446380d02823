"""API documentation page: Swagger UI, served from the package that ships it."""

from eggypro_http.api_docs.page import install_api_docs

__all__ = ["install_api_docs"]
