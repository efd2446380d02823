"""The page and its parts, as Falcon serves them."""

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
"""What carries Swagger UI. It is never imported: only its folder is looked for."""
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
_HEADERS: Mapping[str, str] = {
    "cache-control": "public, max-age=0, must-revalidate",
    # The icons of Swagger UI are addresses of data. It is given nothing else.
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self';"
    " style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
}


def install_api_docs(app: "falcon.App[Any, Any]") -> None:
    """Have an app serve the page at /docs, where the package that carries it is installed."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.submodule_search_locations is None:
        return
    theirs = Path(found.submodule_search_locations[0]) / "dist"
    parts = {
        "/docs": _OWN_FILES / "page.html",
        "/docs/page.css": _OWN_FILES / "page.css",
        "/docs/page.js": _OWN_FILES / "page.js",
        "/docs/swagger-ui.css": theirs / "swagger-ui.css",
        "/docs/swagger-ui-bundle.js": theirs / "swagger-ui-bundle.js",
        "/docs/favicon-32x32.png": theirs / "favicon-32x32.png",
    }
    methods = options_responder(["GET", "HEAD", "OPTIONS"])
    for path, file in parts.items():
        get = _file_responder(file)
        part = SimpleNamespace(path=path, on_get=get, on_head=get, on_options=methods)
        app.add_route(path, part)


def _file_responder(file: Path) -> Any:
    @cache
    def tag() -> str:
        return f'"{blake2b(file.read_bytes(), digest_size=12).hexdigest()}"'

    def respond(request: falcon.Request, response: falcon.Response) -> None:
        response.set_headers({**_HEADERS, "etag": tag()})
        if request.env.get("HTTP_IF_NONE_MATCH") == tag():
            response.status = falcon.HTTP_304
        else:
            response.content_type = _TYPES[file.suffix]
            response.data = file.read_bytes()

    return respond
