"""Problems resource: a page for each problem type."""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape

import falcon

from eggypro_core.errors import NotFoundError
from eggypro_core.shop import Shop
from eggypro_http.problem_types import PROBLEM_TYPES, ProblemType
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route

HTML_MEDIA_TYPE = "text/html"
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}"
    "code{font-size:.9em}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-type": f"{HTML_MEDIA_TYPE}; charset=utf-8",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_CODE = re.compile("`([^`]+)`")


def get_problem_page(_shop: Shop, request: falcon.Request, *, code: str) -> Response:
    """Return the page of a problem type. Raises NotFoundError for an unknown code."""
    require_no_parameters(request)
    if code not in PROBLEM_TYPES:
        raise NotFoundError("There is no problem type with this code")
    return Response(_page(PROBLEM_TYPES[code]).encode(), _HEADERS)


def _page(kind: ProblemType) -> str:
    status = "command line only" if kind.status is None else f"status {kind.status}"
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(kind.title)}</title>\n<style>{_STYLE}</style>\n"
        f"<h1>{escape(kind.title)}</h1>\n"
        f"<p><code>{kind.path}</code>, {status}</p>\n"
        f"<h2>Meaning</h2>\n<p>{_html(kind.meaning)}</p>\n"
        f"<h2>Remedy</h2>\n<p>{_html(kind.remedy)}</p>\n</html>\n"
    )


def _html(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


ROUTES = (
    Route(
        method="GET",
        path="/problems/{code}",
        summary="Page of a problem type: its meaning and remedy",
        handler=get_problem_page,
        response_schema="ProblemPage",
        media_type=HTML_MEDIA_TYPE,
    ),
)
