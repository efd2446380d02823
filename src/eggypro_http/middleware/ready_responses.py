"""Middleware that sends a cached response again without running the application."""

from collections.abc import Iterable
from typing import Any, Self, TypeAlias
from weakref import ref
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

from eggypro_core.access.rate_limiting import Admission
from eggypro_core.caching.entries import CachedResponse
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.errors import UnavailableError
from eggypro_http.errors import REQUEST_ID_KEY
from eggypro_http.middleware.guard import REQUEST_ID_HEADER, request_id_of
from eggypro_http.requests.rate_limits import (
    RATE_LIMIT_HEADERS,
    RequestAdmission,
    rate_limit_headers,
)
from eggypro_http.response_cache import CACHE_HIT_KEY, CacheHit
from eggypro_http.routing import ADMISSION_CONTROL_KEY, ENDPOINT_KEY

Headers: TypeAlias = list[tuple[str, str]]
Inputs: TypeAlias = tuple[str | None, ...]

INPUTS = (
    "REQUEST_METHOD",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_PROTOCOL",
    "HTTP_HOST",
    "HTTP_ACCEPT",
    "HTTP_ORIGIN",
    "HTTP_IF_NONE_MATCH",
)
"""The parts of a request that determine the response to a cached read, without its admission."""
_READY_STATUSES = frozenset({"200", "304"})
MAX_READY_RESPONSES, MAX_INPUTS_LENGTH = 8192, 1000
"""Limits of memory: the number of ready responses, and the characters of the inputs of each."""


class ReadyResponses:
    """WSGI middleware that keeps responses ready which consist of nothing but a cached response.

    The application marks such a response with a CacheHit. It depends on three things only:

    - The INPUTS of the request. A response is ready for all requests with the same inputs.
    - The cache. It is asked each time whether it would use the same cached response again.
    - The admission and the id of the request, which headers show. Each request gets its own, from
      the functions that the application calls too.

    So a ready response is what the application would send, and all counts are the same. The
    application runs for any other request: one that is refused, a miss, a stale response. It finds
    the admission in the environ, so that the request is counted once.
    """

    def __init__(
        self, app: WSGIApplication, cache: ReadCache, max_responses: int = MAX_READY_RESPONSES
    ) -> None:
        self._app = app
        self._cache = cache
        self._max_responses = max_responses
        self._ready: dict[Inputs, _ReadyResponse] = {}

    def __len__(self) -> int:
        return len(self._ready)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        inputs = tuple([environ.get(name) for name in INPUTS])
        ready = self._ready.get(inputs)
        if ready is None:
            return self._run(inputs, environ, start_response)
        response, admission = ready.response(), ready.admit(environ)
        if (
            response is None
            or admission is None
            or not self._cache.use_hit(ready.cache_key, response)
        ):
            return self._run(inputs, environ, start_response)
        request_id = environ[REQUEST_ID_KEY] = request_id_of(environ)
        environ[ENDPOINT_KEY] = ready.endpoint
        headers = rate_limit_headers(admission.statuses) + ready.headers
        headers[ready.id_index] = (REQUEST_ID_HEADER, request_id)
        start_response(ready.status, headers)
        return [response.body] if ready.has_body else []

    def _run(
        self, inputs: Inputs, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Run the application; keep its response ready if it is a CacheHit."""
        status, headers = "", list[tuple[str, str]]()

        def start(*response: Any) -> Any:
            nonlocal status, headers
            status, headers, *_ = response
            return start_response(*response)

        body = self._app(environ, start)
        hit: CacheHit | None = environ.get(CACHE_HIT_KEY)
        if (
            hit is not None
            and status[:3] in _READY_STATUSES  # not an error that came after the hit
            and sum(map(len, filter(None, inputs))) <= MAX_INPUTS_LENGTH
        ):
            ready = _ReadyResponse.of(hit, environ, (status, headers), has_body=body != [])
            if ready.admit(environ) is not None:
                self._keep(inputs, ready)
        return body

    def _keep(self, inputs: Inputs, ready: "_ReadyResponse") -> None:
        if len(self._ready) >= self._max_responses:
            self._ready.clear()
        self._ready[inputs] = ready


@frozen
class _ReadyResponse:
    """A response to requests with a plain admission, without their RateLimit headers.

    `response` is the cached response, for as long as the cache has it. `id_index` is the place of
    the request id in the headers, from their end.
    """

    cache_key: str
    response: "ref[CachedResponse]"
    control: RequestAdmission
    endpoint: str
    status: str
    headers: Headers
    id_index: int
    has_body: bool

    @classmethod
    def of(
        cls,
        hit: CacheHit,
        environ: WSGIEnvironment,
        started: tuple[str, Headers],
        *,
        has_body: bool,
    ) -> Self:
        """Return the response that the application sent to a request."""
        status, headers = started
        headers = [header for header in headers if header[0] not in RATE_LIMIT_HEADERS]
        names = [name for name, _ in headers]
        return cls(
            hit.key,
            ref(hit.response),
            environ[ADMISSION_CONTROL_KEY],
            environ[ENDPOINT_KEY],
            status,
            headers,
            names.index(REQUEST_ID_HEADER) - len(names),
            has_body,
        )

    def admit(self, environ: WSGIEnvironment) -> Admission | None:
        """Return the admission of a request, or None if the application must handle it."""
        try:
            admission = self.control.admit(environ, is_public=True)
        except UnavailableError:
            return None
        return admission if admission.is_plain else None
