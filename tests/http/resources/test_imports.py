"""Tests of POST /api/imports."""

import gzip
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.wsgi import ADMIN

IMPORTS = "/api/imports"
CSV = b"name,slug,price,stock_quantity\nHam,ham,3.50,2\n"
MIXED = CSV + b"Tea,tea,cheap,1\n"


def post(client: TestClient, body: bytes, **params: Any) -> Result:
    return client.simulate_post(IMPORTS, headers=ADMIN, body=body, params=params)


def test_a_file_is_imported_and_the_report_returned(client: TestClient, shop: Shop) -> None:
    response = post(client, CSV)
    assert response.status_code == 200
    report = response.json
    assert (report["applied"], report["created"], report["dry_run"]) == (True, 1, False)
    [change] = report["changes"]
    assert (change["slug"], change["action"]) == ("ham", "created")
    assert change["fields"]["price"] == [None, "3.50"]
    assert shop.products.get("ham").stock_quantity == 2
    assert post(client, CSV).json["unchanged"] == 1


def test_a_dry_run_stores_nothing_and_reports_the_differences(
    client: TestClient, shop: Shop
) -> None:
    post(client, CSV)
    response = post(client, CSV.replace(b"3.50", b"4"), dry_run="true")
    assert response.status_code == 200
    assert response.json["changes"] == [
        {"slug": "ham", "action": "updated", "fields": {"price": ["3.50", "4.00"]}}
    ]
    assert not response.json["applied"]
    assert str(shop.products.get("ham").price) == "3.50"


def test_a_refused_file_is_a_problem_with_the_report(client: TestClient) -> None:
    response = post(client, MIXED)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json
    assert body["type"] == "/problems/import-refused"
    assert "line 3" in body["detail"]
    assert (body["applied"], body["refused_total"], body["refused"][0]["line"]) == (False, 1, 3)
    assert body["refused"][0]["value"] == "cheap"
    kept = post(client, MIXED, keep_going="true")
    assert (kept.status_code, kept.json["created"], kept.json["refused_total"]) == (200, 1, 1)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"dry_run": "maybe"}, "dry_run"),
        ({"on_conflict": "ask"}, "on_conflict"),
        ({"format": "xml"}, "format"),
        ({"map": "name"}, "map"),
        ({"mapp": "name:Title"}, "mapp"),
    ],
)
def test_invalid_parameters_are_refused(
    client: TestClient, params: dict[str, str], field: str
) -> None:
    response = post(client, CSV, **params)
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == [field]


def test_columns_are_mapped(client: TestClient, shop: Shop) -> None:
    table = b"Title;Net price\nHam;3,50\n"
    response = client.simulate_post(
        IMPORTS, headers=ADMIN, body=table, query_string="map=name:Title&map=price:Net%20price"
    )
    assert response.json["created"] == 1
    assert str(shop.products.get("ham").price) == "3.50"


def test_a_file_in_no_known_format_is_malformed(client: TestClient) -> None:
    response = post(client, b"a,b\n1,2\n")
    assert response.status_code == 400
    assert "'a', 'b'" in response.json["detail"]


def test_products_write_is_required(client: TestClient) -> None:
    assert client.simulate_post(IMPORTS, body=CSV).status_code == 401


def test_a_packed_file_is_unpacked_but_an_encoded_body_is_not(client: TestClient) -> None:
    packed = gzip.compress(CSV)
    assert post(client, packed).json["created"] == 1
    headers = {**ADMIN, "Content-Encoding": "gzip"}
    response = client.simulate_post(IMPORTS, headers=headers, body=packed)
    assert response.status_code == 415


def test_a_large_file_is_refused_with_the_command_to_use(shop: Shop) -> None:
    client = TestClient(create_app(shop, HttpConfig(max_import_bytes=1024**2)))
    response = post(client, CSV + b"\n" * 1024**2)
    assert response.status_code == 413
    assert "1 MB" in response.json["detail"]
    assert "eggypro products import" in response.json["detail"]


def test_a_form_is_refused_with_what_to_send(client: TestClient) -> None:
    headers = {**ADMIN, "Content-Type": "multipart/form-data; boundary=x"}
    response = client.simulate_post(IMPORTS, headers=headers, body=b"--x\r\n")
    assert response.status_code == 415
    assert "--data-binary" in response.json["detail"]


def test_a_truncated_body_is_malformed(client: TestClient) -> None:
    headers = {**ADMIN, "Content-Length": str(len(CSV) + 5)}
    response = client.simulate_post(IMPORTS, headers=headers, body=CSV)
    assert response.status_code == 400
