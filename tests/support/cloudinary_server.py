"""Fake Cloudinary on a local port: upload and admin API, and faults set by tests."""

import hashlib
import json
import re
import secrets
import socket
import struct
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import Message
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import PIL.Image
import PIL.ImageOps
from attrs import define, evolve, field, frozen

CLOUD, API_KEY, API_SECRET = "eggs-cloud", "847261935172634", "s3cr%2Ft-Zt9wQ4mK1pLx"
BASIC = "Basic " + b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
MAX_TIMESTAMP_AGE_SECONDS = 3600
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
UNSIGNED_FIELDS = {"cloud_name", "resource_type", "api_key", "signature"}
INVALID_ID = re.compile(r"[?&#\\%<>+]|^\s|\s$|^/|/$|//")


@frozen
class Asset:
    """An image stored in the account."""

    public_id: str
    content: bytes
    format: str
    width: int
    height: int
    version: int


@frozen
class Request:
    """A received request."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def parts(self) -> dict[str, bytes]:
        return dict(_parse_parts(self.headers.get("Content-Type", ""), self.body))


@frozen
class Reply:
    """A response of the server."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> "Reply":
        named_headers = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            json.dumps(value).encode(),
            status,
            {"Content-Type": "application/json", **named_headers},
        )

    @classmethod
    def html(cls, status: int) -> "Reply":
        page = f"<html><body><h1>{status} Server Error</h1></body></html>"
        return cls(page.encode(), status)


class ApiError(Exception):
    """An error response of Cloudinary."""

    def __init__(self, status: int, message: str) -> None:
        self.reply = Reply.of({"error": {"message": message}}, status, X_Cld_Error=message)


Fault = Callable[["_Handler"], None]
"""Handles one request instead of the normal response."""


def reply_with(reply: Reply) -> Fault:
    """Send another response; the request has no effect."""
    return lambda handler: handler.send(reply)


def hang(handler: "_Handler") -> None:
    """Respond only after every client has timed out."""
    handler.server.cloudinary.closing.wait(60)
    handler.reply()


def drip(handler: "_Handler") -> None:
    """Send the response slowly, byte by byte."""
    reply = handler.make_reply()
    head = f"HTTP/1.1 {reply.status} OK\r\nContent-Length: {len(reply.body)}\r\n\r\n"
    for byte in head.encode() + reply.body:
        handler.server.cloudinary.closing.wait(0.05)
        handler.wfile.write(bytes([byte]))


def reset_connection(handler: "_Handler") -> None:
    """Reset the connection before reading the body."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def drop_reply(handler: "_Handler") -> None:
    """Process the request and close the connection without a response."""
    handler.make_reply()
    handler.close_connection = True


def truncate_reply(handler: "_Handler") -> None:
    """Process the request and close the connection in the middle of the response."""
    reply = handler.make_reply()
    handler.send(evolve(reply, body=reply.body[:-9]), length=len(reply.body))
    handler.close_connection = True


@define
class CloudinaryServer:
    """One account and its assets. Each of `faults` applies to one of the next requests."""

    url: str = ""
    assets: dict[str, Asset] = field(factory=dict)
    requests: list[Request] = field(factory=list)
    faults: deque[Fault] = field(factory=deque)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    closing: Event = field(factory=Event)
    _lock: Lock = field(factory=Lock)

    def handle(self, request: Request) -> Reply:
        """Process a request. Raises ApiError."""
        api, cloud, *path = unquote(urlsplit(request.path).path).strip("/").split("/")
        if api != "v1_1":
            raise ApiError(404, "Not found")
        if cloud != CLOUD:
            raise ApiError(401, "cloud_name mismatch")
        with self._lock:
            match request.method, path:
                case "POST", ["image", "upload"]:
                    return self._upload(self._verify_form(request), request.parts.get("file", b""))
                case "POST", ["image", "destroy"]:
                    return self._destroy(self._verify_form(request))
                case "GET", ["ping"]:
                    return self._admin_reply(request, {"status": "ok"})
                case "GET", ["resources", "image", "upload", *names]:
                    return self._admin_reply(request, _details(self._get_asset("/".join(names))))
        raise ApiError(404, "Not found")

    def _upload(self, form: Mapping[str, str], content: bytes) -> Reply:
        if not content:
            raise ApiError(400, "Missing required parameter - file")
        if len(content) > MAX_UPLOAD_BYTES:
            message = f"File size too large. Got {len(content)}. Maximum is {MAX_UPLOAD_BYTES}."
            raise ApiError(400, message)
        public_id = _public_id(form)
        if form.get("overwrite") in {"0", "false"} and public_id in self.assets:
            return Reply.of({**_details(self.assets[public_id]), "existing": True})
        asset = self._make_asset(public_id, content, form)
        self.assets[public_id] = asset
        signature = signature_of(f"public_id={public_id}&version={asset.version}", API_SECRET, "")
        return Reply.of({**_details(asset), "signature": signature, "api_key": API_KEY})

    def _make_asset(self, public_id: str, content: bytes, form: Mapping[str, str]) -> Asset:
        try:
            image = PIL.Image.open(BytesIO(content))
            image.load()
        except OSError:
            raise ApiError(400, "Invalid image file") from None
        kind = FORMATS.get(image.format or "", "")
        if kind not in form.get("allowed_formats", kind).split(","):
            raise ApiError(400, f"Image file format {kind} not allowed")
        if transformation := form.get("transformation"):
            content = _transform(image, transformation)
            image = PIL.Image.open(BytesIO(content))
        version = int(self.now().timestamp())
        return Asset(public_id, content, kind, image.width, image.height, version)

    def _destroy(self, form: Mapping[str, str]) -> Reply:
        asset = self.assets.pop(form["public_id"], None)
        return Reply.of({"result": "ok" if asset else "not found"})

    def _get_asset(self, public_id: str) -> Asset:
        if public_id not in self.assets:
            raise ApiError(404, f"Resource not found - {public_id}")
        return self.assets[public_id]

    def _verify_form(self, request: Request) -> dict[str, str]:
        """Return the form of a request. Raises ApiError for a wrong signature."""
        form = {name: part.decode() for name, part in request.parts.items() if name != "file"}
        if form.get("api_key") != API_KEY:
            raise ApiError(401, f"Invalid api_key {form.get('api_key')}")
        signature = form.get("signature", "")
        pairs = sorted(
            f"{name}={form[name]}" for name in form.keys() - UNSIGNED_FIELDS if form[name]
        )
        texts = ["&".join(pair.replace("&", "%26") for pair in pairs), "&".join(pairs)]
        expected = [signature_of(text, API_SECRET, signature) for text in texts]
        if not any(compare_digest(valid, signature) for valid in expected):
            message = f"Invalid Signature {signature}. String to sign - '{texts[1]}'."
            raise ApiError(401, message)
        if abs(self.now().timestamp() - int(form["timestamp"])) > MAX_TIMESTAMP_AGE_SECONDS:
            message = f"Stale request - reported time is {form['timestamp']}"
            raise ApiError(400, f"{message} which is more than 1 hour ago")
        return form

    def _admin_reply(self, request: Request, value: object) -> Reply:
        if request.headers.get("Authorization") != BASIC:
            raise ApiError(401, "Invalid credentials")
        return Reply.of(value, X_FeatureRateLimit_Limit="500", X_FeatureRateLimit_Remaining="499")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the default of 5, the sixth client waits a second
    cloudinary: CloudinaryServer

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # without a shutdown, so that a reset reaches the client

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect early, as many tests make them do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    request_record: Request

    def do(self) -> None:
        account = self.server.cloudinary
        respond = account.faults.popleft() if account.faults else _Handler.reply
        length = 0 if respond is reset_connection else int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.request_record = Request(self.command, self.path, self.headers, body)
        account.requests.append(self.request_record)
        respond(self)

    do_GET = do_POST = do  # noqa: N815  (the standard library's names)

    def reply(self) -> None:
        self.send(self.make_reply())

    def make_reply(self) -> Reply:
        try:
            return self.server.cloudinary.handle(self.request_record)
        except ApiError as error:
            return error.reply

    def send(self, reply: Reply, *, length: int | None = None) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if length is None else length))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def cloudinary_server() -> Iterator[CloudinaryServer]:
    """Run a server with an empty account on a free port."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        account = CloudinaryServer(url=f"http://127.0.0.1:{server.server_port}")
        server.cloudinary = account
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield account
        finally:
            account.closing.set()
            server.shutdown()
            thread.join()


def _details(asset: Asset) -> dict[str, Any]:
    created_at = datetime.fromtimestamp(asset.version, UTC)
    path = f"{CLOUD}/image/upload/v{asset.version}/{asset.public_id}.{asset.format}"
    return {
        "asset_id": hashlib.sha256(asset.public_id.encode()).hexdigest()[:32],
        "public_id": asset.public_id,
        "version": asset.version,
        "width": asset.width,
        "height": asset.height,
        "format": asset.format,
        "resource_type": "image",
        "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": [],
        "bytes": len(asset.content),
        "type": "upload",
        "etag": hashlib.md5(asset.content).hexdigest(),  # noqa: S324  (as Cloudinary does)
        "url": f"http://res.cloudinary.com/{path}",
        "secure_url": f"https://res.cloudinary.com/{path}",
    }


def _public_id(form: Mapping[str, str]) -> str:
    name = form.get("public_id") or secrets.token_hex(10)
    public_id = f"{form['folder']}/{name}" if form.get("folder") else name
    if INVALID_ID.search(public_id):
        raise ApiError(400, f"public_id ({public_id}) is invalid")
    return public_id


def _transform(image: PIL.Image.Image, transformation: str) -> bytes:
    """Apply an incoming transformation; two are supported."""
    kind = image.format
    if unknown := set(transformation.split(",")) - {"a_exif", "fl_force_strip"}:
        raise ApiError(400, f"Invalid transformation parameter - {', '.join(unknown)}")
    exif = image.getexif()
    if "a_exif" in transformation:
        image = PIL.ImageOps.exif_transpose(image)
        exif = image.getexif()
    if "fl_force_strip" in transformation:
        image.info, exif = {}, PIL.Image.Exif()
    stream = BytesIO()
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


def signature_of(text: str, secret: str, client_signature: str) -> str:
    """Sign a text with the algorithm of the client's signature."""
    algorithm = "sha256" if len(client_signature) == 64 else "sha1"
    return hashlib.new(algorithm, f"{text}{secret}".encode()).hexdigest()


def _parse_parts(content_type: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        if match := re.search(rb'[; ]name="([^"]*)"', head):
            yield match[1].decode(), value.removesuffix(b"\r\n")
