"""Forms with files, as browsers send them."""

from collections.abc import Iterable, Mapping
from typing import Any

from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.sample_images import a_picture
from tests.support.wsgi import ADMIN

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JPG = a_picture().getvalue()
PNG = a_picture("png").getvalue()


def a_part(content: bytes, name: str = "file", filename: str | None = "egg.jpg") -> bytes:
    called = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{called}\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"


def a_form(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(
    client: TestClient, path: str, *files: bytes, headers: Mapping[str, str] = ADMIN
) -> Result:
    """Upload files as one form."""
    return send(client, path, a_form(map(a_part, files)), **headers)


def send(client: TestClient, path: str, body: bytes, **headers: Any) -> Result:
    """Send a body as a form."""
    return client.simulate_post(path, body=body, headers={"Content-Type": FORM, **headers})
