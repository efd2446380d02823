"""Multipart forms: even a rejected form is received completely."""

from io import BytesIO

import pytest
from falcon.testing import TestClient

from tests.support.wsgi import ADMIN, EGG, send_request

BOUNDARY = "egg"
FILE_CONTENT = bytes(1_000_000)


@pytest.mark.parametrize("name", ["file", "surprise"])
def test_error_response_arrives_during_an_upload(client: TestClient, name: str) -> None:
    """A client that is still sending when the connection closes never sees the response."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'
    body = BytesIO(head.encode() + FILE_CONTENT + f"\r\n--{BOUNDARY}--\r\n".encode())
    response = send_request(
        client.app,
        f"{EGG}/images",
        **{
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
            "CONTENT_LENGTH": str(len(body.getvalue())),
            "HTTP_AUTHORIZATION": ADMIN["Authorization"],
            "wsgi.input": body,
        },
    )
    assert response.status == 422
    assert body.read() == b""
