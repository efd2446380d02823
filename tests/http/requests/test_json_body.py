import gzip
import io
import json

import pytest
from falcon.testing import Result, TestClient

from tests.support.builders import product_values
from tests.support.wsgi import ADMIN, PRODUCTS, error_fields, send_request

MAX_BYTES = 1024 * 1024
VALID_BODY = json.dumps(product_values(name="Bacon")).encode()


def send(client: TestClient, body: bytes, **headers: str) -> Result:
    header_names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.simulate_post(PRODUCTS, headers={**ADMIN, **header_names}, body=body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "\\u0062": 2}}',
        b'{"a": "line\nbreak"}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"price": ' + b"9" * 5000 + b"}",
        b'{"price": 1e99999999999999999999}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_invalid_json_is_malformed(client: TestClient, body: bytes) -> None:
    response = send(client, body)
    assert response.status_code == 400
    assert response.json["detail"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"true"])
def test_json_must_be_an_object(client: TestClient, body: bytes) -> None:
    assert error_fields(send(client, body)) == ["body"]


def test_extreme_numbers_are_rejected_as_prices(
    client: TestClient,
) -> None:
    for number in ("1e999999", "1e-999999", "-0.0", "9" * 4000, "0." + "1" * 100_000):
        body = json.dumps(product_values(price="?")).replace('"?"', number).encode()
        assert error_fields(send(client, body)) == ["price"], number[:20]


def test_body_is_limited_to_a_megabyte(client: TestClient) -> None:
    assert send(client, VALID_BODY.ljust(MAX_BYTES)).status_code == 201
    response = send(client, VALID_BODY.ljust(MAX_BYTES + 1))
    assert response.status_code == 413
    assert response.json["title"] == "Content too large"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/vnd.eggypro+json",
        "",
    ],
)
def test_json_media_types_are_accepted(client: TestClient, media_type: str) -> None:
    assert send(client, VALID_BODY, Content_Type=media_type).status_code == 201


def test_body_without_content_type_is_json(client: TestClient) -> None:
    assert send(client, VALID_BODY).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/jsonp"},
        {"Content_Type": "application/json; charset=latin-1"},
        {"Content_Type": ";"},
        {"Content_Encoding": "gzip"},
    ],
    ids=str,
)
def test_other_content_types_are_rejected(client: TestClient, headers: dict[str, str]) -> None:
    assert send(client, gzip.compress(VALID_BODY), **headers).status_code == 415
    assert send(client, VALID_BODY, **headers).status_code == 415


def test_truncated_body_is_malformed(client: TestClient) -> None:
    response = send_request(
        client.app,
        PRODUCTS,
        REQUEST_METHOD="POST",
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        CONTENT_LENGTH=str(len(VALID_BODY) + 1),
        **{"wsgi.input": io.BytesIO(VALID_BODY)},
    )
    assert response.status == 400
    assert b"ended before" in response.body


def test_body_is_read_up_to_its_length(client: TestClient) -> None:
    stream = io.BytesIO(VALID_BODY + b"GET / HTTP/1.1")
    response = send_request(
        client.app,
        PRODUCTS,
        REQUEST_METHOD="POST",
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        CONTENT_LENGTH=str(len(VALID_BODY)),
        **{"wsgi.input": stream},
    )
    assert response.status == 201
    assert stream.read() == b"GET / HTTP/1.1"


def test_chunked_body_requires_a_length(client: TestClient) -> None:
    assert send(client, VALID_BODY, Transfer_Encoding="chunked").status_code == 411


@pytest.mark.parametrize("length", ["-1", "many", "1.5", "9" * 5000])
def test_invalid_content_length_is_rejected(client: TestClient, length: str) -> None:
    response = send_request(
        client.app,
        PRODUCTS,
        REQUEST_METHOD="POST",
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        CONTENT_LENGTH=length,
    )
    assert response.status in {400, 413}


def test_at_most_a_hundred_errors_are_listed(client: TestClient) -> None:
    body = json.dumps({f"field{number}": 1 for number in range(10_000)}).encode()
    assert len(error_fields(send(client, body))) == 100
