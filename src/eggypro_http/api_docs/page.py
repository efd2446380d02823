"""Falcon routes of the API documentation page and its assets."""

import importlib.util
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import falcon

from eggypro_http.routing import options_responder

_OWN_FILES = Path(__file__).parent
_PACKAGE = "flask_swagger_ui"
"""The package that ships Swagger UI. It is never imported, only its folder is located."""
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
_HEADERS: Mapping[str, str] = {
    "cache-control": "public, max-age=0, must-revalidate",
    # Swagger UI's icons are data URLs; everything else comes from this server.
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self';"
    " style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
}


def install_api_docs(app: "falcon.App[Any, Any]") -> None:
    """Serve the documentation page at /docs, if the package that ships Swagger UI is installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        return
    dist = Path(spec.submodule_search_locations[0]) / "dist"
    files = {
        "/docs": _OWN_FILES / "page.html",
        "/docs/page.css": _OWN_FILES / "page.css",
        "/docs/page.js": _OWN_FILES / "page.js",
        "/docs/swagger-ui.css": dist / "swagger-ui.css",
        "/docs/swagger-ui-bundle.js": dist / "swagger-ui-bundle.js",
        "/docs/favicon-32x32.png": dist / "favicon-32x32.png",
    }
    options = options_responder(["GET", "HEAD", "OPTIONS"])
    for path, file in files.items():
        get = _file_responder(file)
        resource = SimpleNamespace(path=path, on_get=get, on_head=get, on_options=options)
        app.add_route(path, resource)


def _file_responder(file: Path) -> Any:
    @cache
    def etag() -> str:
        return f'"{blake2b(file.read_bytes(), digest_size=12).hexdigest()}"'

    def respond(request: falcon.Request, response: falcon.Response) -> None:
        response.set_headers({**_HEADERS, "etag": etag()})
        if request.env.get("HTTP_IF_NONE_MATCH") == etag():
            response.status = falcon.HTTP_304
        else:
            response.content_type = _TYPES[file.suffix]
            response.data = file.read_bytes()

    return respond
