"""Multipart forms with files, as browsers send them."""

from collections.abc import Iterable, Mapping
from typing import Any

from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.sample_images import make_image
from tests.support.wsgi import ADMIN

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
JPG = make_image().getvalue()
PNG = make_image("png").getvalue()


def encode_part(content: bytes, name: str = "file", filename: str | None = "egg.jpg") -> bytes:
    filename_part = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{filename_part}\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"


def encode_form(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post_files(
    client: TestClient, path: str, *files: bytes, headers: Mapping[str, str] = ADMIN
) -> Result:
    """Upload files as one form."""
    return post_form(client, path, encode_form(map(encode_part, files)), **headers)


def post_form(client: TestClient, path: str, body: bytes, **headers: Any) -> Result:
    """Send a body as a multipart form."""
    return client.simulate_post(path, body=body, headers={"Content-Type": CONTENT_TYPE, **headers})
