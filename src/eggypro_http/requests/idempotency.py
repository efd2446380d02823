"""Requests with an Idempotency-Key: done once, and answered the same whenever they are repeated.

After draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from hashlib import blake2b
from io import BytesIO
from typing import Any

import falcon

from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.operations.idempotency import IdempotencyStore, StoredResponse
from eggypro_core.shop import Shop
from eggypro_http.requests.client_address import ClientResolver
from eggypro_http.requests.json_body import MAX_JSON_BYTES, require_length
from eggypro_http.requests.multipart import MAX_MULTIPART_BYTES, MULTIPART
from eggypro_http.requests.rate_limits import credential
from eggypro_http.responses import Handler, Response

HEADER = "Idempotency-Key"
_ENVIRON_NAME = "HTTP_IDEMPOTENCY_KEY"
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"|([!#-~][!-~]*)')
_MAX_KEY_LENGTH = 255
_CHUNK_BYTES = 64 * 1024


def idempotent(
    handler: Handler, keeper: IdempotencyStore[Shop], clients: ClientResolver
) -> Handler:
    """Return a handler whose requests are done once for each key, caller, path and body."""

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Response:
        given = request.env.get(_ENVIRON_NAME)
        if given is None:
            return handler(shop, request, **path)
        owner = credential(request) or clients.client(request.env)
        name = _hash(_key(given), owner, request.env["PATH_INFO"])
        body = request.stream = FingerprintedBody(request)

        def work(within: Shop) -> StoredResponse:
            answer = handler(within, request, **path)
            return StoredResponse(body.fingerprint(), answer.body, dict(answer.headers))

        done, is_replayed = keeper.run(shop, name, shop.clock(), work)
        if not is_replayed:
            return Response(done.body, done.headers)
        if body.fingerprint() != done.fingerprint:
            raise ValidationError([FieldError(HEADER, "This key came with another body before")])
        return Response(done.body, {**done.headers, "idempotency-replayed": "true"})

    return handle


class FingerprintedBody:
    """A body that is read, and what it brought in short.

    What stands between the parts of a form is left out: it is another each time a form is sent.
    """

    def __init__(self, request: falcon.Request) -> None:
        self._left = require_length(request, MAX_MULTIPART_BYTES)
        self._digest = blake2b(digest_size=16)
        kind, options = falcon.parse_header(request.content_type or "")
        self._stream: Any = request.stream
        if kind.lower() != MULTIPART and self._left <= MAX_JSON_BYTES:
            # Nothing is held meanwhile that others wait for, however slowly it comes.
            self._stream = BytesIO(request.stream.read(self._left))
        boundary = options.get("boundary", "").encode()
        self._between = boundary and b"\r\n--" + boundary
        self._held = b"\r\n"  # what stands before the first part stands at the beginning of a line

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes of the body at most."""
        most = self._left if size is None or size < 0 else min(size, self._left)
        some: bytes = self._stream.read(most)
        self._left = self._left - len(some) if some else 0
        self._take(some)
        return some

    def fingerprint(self) -> str:
        """Return the same for the same body, whatever was read of it so far."""
        while self._left:
            self.read(_CHUNK_BYTES)
        rest = self._digest.copy()
        rest.update(self._held)
        return rest.hexdigest()

    def _take(self, some: bytes) -> None:
        held = self._held + some
        if self._between:
            held = held.replace(self._between, b"")
        done = max(len(held) - len(self._between) + 1, 0)
        self._digest.update(held[:done])
        self._held = held[done:]


def _key(given: str) -> str:
    found = _KEY.fullmatch(given)
    key = found and (found[2] or re.sub(r"\\(.)", r"\1", found[1]))
    if not key or len(key) > _MAX_KEY_LENGTH:
        raise ParseError(f"{HEADER} must be 1-{_MAX_KEY_LENGTH} visible ASCII characters")
    return key


def _hash(*parts: str) -> str:
    """Return what is kept of a key: nobody can read from it whose it was."""
    return blake2b("\0".join(parts).encode(), digest_size=32).hexdigest()
