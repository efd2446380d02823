"""The examples of docs/http.md, run on the demo catalogue."""

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest
from falcon.testing import TestClient

from eggypro_adapters.wiring import DEMO_CATALOG_PATH
from eggypro_http.app import create_app
from tests.support.builders import ADMIN_KEY, make_shop

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
COMMANDS = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
INVALID_BODY = '{"price": "-1"}'

curl = ArgumentParser()
curl.add_argument("address")
curl.add_argument("-X", default="GET", dest="method")
curl.add_argument("-H", action="append", default=[], dest="headers")
curl.add_argument("-d", dest="body")
curl.add_argument("--data-binary", dest="file")
SAMPLE_FILE = "name,price\nHam,3.50\n"


@pytest.mark.parametrize("line", COMMANDS)
def test_examples_of_the_page_work(line: str) -> None:
    shop = make_shop()
    with DEMO_CATALOG_PATH.open("rb") as demo:
        shop.products.import_file(demo)
    command = line.replace("$KEY", ADMIN_KEY).replace("$A", "")
    arguments = curl.parse_args(shlex.split(command)[1:])
    path, _, query = arguments.address.partition("?")
    response = TestClient(create_app(shop)).simulate_request(
        arguments.method,
        path,
        query_string=query,
        headers=[header.split(": ", 1) for header in arguments.headers],
        body=SAMPLE_FILE if arguments.file else arguments.body,
    )
    statuses = {422} if arguments.body == INVALID_BODY else {200, 201}
    assert response.status_code in statuses, response.text


def test_page_has_examples() -> None:
    assert len(COMMANDS) >= 5
