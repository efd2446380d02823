"""Idempotency keys: a repeated request replays the stored response.

Follows draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import falcon

from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.operations.idempotency import IdempotencyStore, StoredResponse
from eggypro_core.shop import Shop
from eggypro_http.requests.client_address import ClientResolver
from eggypro_http.requests.json_body import require_length
from eggypro_http.requests.multipart import MAX_MULTIPART_BYTES, MULTIPART_MEDIA_TYPE
from eggypro_http.requests.rate_limits import USER_KEY, credential
from eggypro_http.responses import Handler, Response

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
_ENVIRON_NAME = "HTTP_IDEMPOTENCY_KEY"
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"|([!#-~][!-~]*)')
_MAX_KEY_LENGTH = 255
_KEY_REUSED = (
    "This Idempotency-Key was already used with a different request body or other parameters"
)
_KEY_NOT_SUPPORTED = "Not supported at this URL: send the request without it"
_CHUNK_BYTES = 64 * 1024
_MAX_BYTES_IN_MEMORY = 256 * 1024
_FIRST_ERROR_STATUS = 400


class _Refused(Exception):  # noqa: N818  (no error)
    """Carries a response that is not stored; rolls back what the request did."""

    def __init__(self, response: Response) -> None:
        self.response = response


def idempotent(
    handler: Handler,
    store: IdempotencyStore[Shop],
    clients: ClientResolver,
    *,
    max_body_bytes: int,
) -> Handler:
    """Return a handler that runs once per idempotency key, owner and path, then replays.

    Only responses of success are stored. A body of up to `max_body_bytes` is received before the
    transaction starts. Raises ParseError for an invalid key and ValidationError if the body or the
    parameters differ from the first ones.
    """

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Response:
        header = request.env.get(_ENVIRON_NAME)
        if header is None:
            return handler(shop, request, **path)
        key_hash = _hash(_key(header), _owner(request, clients), request.env["PATH_INFO"])
        with SpooledTemporaryFile(_MAX_BYTES_IN_MEMORY) as file:
            request.stream = body = FingerprintedBody(request, file, max_body_bytes)

            def work(transaction_shop: Shop) -> StoredResponse:
                response = handler(transaction_shop, request, **path)
                if response.status is not None and response.status >= _FIRST_ERROR_STATUS:
                    raise _Refused(response)
                return StoredResponse(body.fingerprint(), response.body, dict(response.headers))

            try:
                stored, is_replayed = store.run(shop, key_hash, shop.clock(), work)
            except _Refused as refused:
                return refused.response
            if not is_replayed:
                return Response(stored.body, stored.headers)
            if body.fingerprint() != stored.fingerprint:
                raise ValidationError(
                    [FieldError(IDEMPOTENCY_KEY_HEADER, _KEY_REUSED)], code="idempotency-key-reused"
                )
            return Response(stored.body, {**stored.headers, "idempotency-replayed": "true"})

    return handle


def without_idempotency_key(handler: Handler) -> Handler:
    """Return a handler that raises ValidationError for requests with an idempotency key."""

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Response:
        if _ENVIRON_NAME in request.env:
            raise ValidationError([FieldError(IDEMPOTENCY_KEY_HEADER, _KEY_NOT_SUPPORTED)])
        return handler(shop, request, **path)

    return handle


class FingerprintedBody:
    """Request body that computes a fingerprint of its bytes while it is read.

    A body of up to `max_bytes` is received in `file` up front: a slow client must not hold a
    connection of the database. The handler refuses a longer one unread. The parameters of the
    request are part of the fingerprint. Multipart boundaries are left out: they differ each time a
    form is sent.
    """

    def __init__(self, request: falcon.Request, file: IO[bytes], max_bytes: int) -> None:
        self._left = require_length(request, MAX_MULTIPART_BYTES)
        self._digest = blake2b(request.env.get("QUERY_STRING", "").encode(), digest_size=16)
        self._stream: Any = request.stream
        if self._left <= max_bytes:
            self._receive(file)
        kind, options = falcon.parse_header(request.content_type or "")
        is_form = kind.lower() == MULTIPART_MEDIA_TYPE
        boundary = options.get("boundary", "").encode() if is_form else b""
        self._delimiter = boundary and b"\r\n--" + boundary
        self._pending = b"\r\n"  # the first delimiter has no line break before it

    def _receive(self, file: IO[bytes]) -> None:
        left = self._left
        while chunk := self._stream.read(min(left, _CHUNK_BYTES)):
            file.write(chunk)
            left -= len(chunk)
        file.seek(0)
        self._stream = file

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes of the body, or the rest of it without a size."""
        limit = self._left if size is None or size < 0 else min(size, self._left)
        chunk: bytes = self._stream.read(limit)
        self._left = self._left - len(chunk) if chunk else 0
        self._update_digest(chunk)
        return chunk

    def fingerprint(self) -> str:
        """Return the fingerprint of the whole body; reads the rest of it first."""
        while self._left:
            self.read(_CHUNK_BYTES)
        digest = self._digest.copy()
        digest.update(self._pending)
        return digest.hexdigest()

    def _update_digest(self, chunk: bytes) -> None:
        pending = self._pending + chunk
        if self._delimiter:
            pending = pending.replace(self._delimiter, b"")
        safe_length = max(len(pending) - len(self._delimiter) + 1, 0)
        self._digest.update(pending[:safe_length])
        self._pending = pending[safe_length:]  # may be the start of a delimiter


def _owner(request: falcon.Request, clients: ClientResolver) -> str:
    """Return the owner of an idempotency key: the verified credential, else the client."""
    verified = credential(request.env) if USER_KEY in request.env else None
    return verified or clients.client(request.env)


def _key(header: str) -> str:
    match = _KEY.fullmatch(header)
    key = match and (match[2] or re.sub(r"\\(.)", r"\1", match[1]))
    if not key or len(key) > _MAX_KEY_LENGTH:
        raise ParseError(
            f"{IDEMPOTENCY_KEY_HEADER} must be 1-{_MAX_KEY_LENGTH} visible ASCII characters"
        )
    return key


def _hash(*parts: str) -> str:
    """Return the hash under which a response is stored; it reveals neither key nor client."""
    return blake2b("\0".join(parts).encode(), digest_size=32).hexdigest()
