"""The page on HTTP: what it types does what it says, on the demo catalogue."""

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest
from falcon.testing import TestClient

from eggypro_adapters.wiring import DEMO
from eggypro_http.app import create_app
from tests.support.builders import ADMIN_KEY, make_shop

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
LINES = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
REFUSED = '{"price": "-1"}'

curl = ArgumentParser()
curl.add_argument("address")
curl.add_argument("-X", default="GET", dest="method")
curl.add_argument("-H", action="append", default=[], dest="headers")
curl.add_argument("-d", dest="body")


@pytest.mark.parametrize("line", LINES)
def test_examples_of_the_page_work(line: str) -> None:
    shop = make_shop()
    with DEMO.open("rb") as demo:
        shop.products.import_file(demo)
    typed = line.replace("$KEY", ADMIN_KEY).replace("$A", "")
    asked = curl.parse_args(shlex.split(typed)[1:])
    path, _, query = asked.address.partition("?")
    answer = TestClient(create_app(shop)).simulate_request(
        asked.method,
        path,
        query_string=query,
        headers=[one.split(": ", 1) for one in asked.headers],
        body=asked.body,
    )
    assert answer.status_code == (422 if asked.body == REFUSED else 200), answer.text


def test_page_has_examples() -> None:
    assert len(LINES) >= 5
