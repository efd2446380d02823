"""Vercel entry point in Vercel's own runtime, which needs Python 3.12: a step of `.ci/run`."""

import json
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.http.test_vercel import ROOT, SETTINGS
from tests.support.builders import CRON_SECRET

PROGRAM = """
import json, sys
from vercel_runtime.vc_init import vc_handler

def ask(path, headers):
    event = {"method": "GET", "path": path, "headers": {"host": "shop.example", **headers}}
    return vc_handler({"body": json.dumps(event)}, None)

responses = [ask(path, headers) for path, headers in json.loads(sys.argv[1])]
with open("responses", "w") as file:
    json.dump(responses, file)
"""
ENTRY = "src/eggypro_http/vercel.py"


def test_vercel_runtime_serves_the_app(
    pytestconfig: pytest.Config, database_url: sa.URL, tmp_path: Path
) -> None:
    requests = [
        ("/api/products?limit=1", {"x-forwarded-for": "203.0.113.7"}),
        ("/api/cron/metrics", {"authorization": f"Bearer {CRON_SECRET}"}),
        (f"/{ENTRY}", {}),
    ]
    environment = {
        **SETTINGS,
        "POSTGRES_URL": database_url.render_as_string(hide_password=False),
        "__VC_HANDLER_MODULE_NAME": "src.eggypro_http.vercel",
        "__VC_HANDLER_ENTRYPOINT": ENTRY,
        "__VC_HANDLER_ENTRYPOINT_ABS": str(ROOT / ENTRY),
        "__VC_HANDLER_VARIABLE_NAME": "app",
    }
    program = [ROOT / pytestconfig.getoption("--vercel"), "-c", PROGRAM, json.dumps(requests)]
    subprocess.run(program, env=environment, cwd=tmp_path, check=True, timeout=60)
    products, job, source = json.loads((tmp_path / "responses").read_text())
    assert (products["statusCode"], json.loads(products["body"])["items"]) == (200, [])
    assert json.loads(job["body"])["complete"]
    assert source["statusCode"] == 404
