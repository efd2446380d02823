"""The page to read and try the API: Swagger UI, served by us, out of a package that carries it."""

from eggypro_http.api_docs.page import install_api_docs

__all__ = ["install_api_docs"]
