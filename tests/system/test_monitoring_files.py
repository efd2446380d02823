"""The Grafana dashboard and the alert rules: they only use what a server exports."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
import sqlalchemy as sa
from falcon.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import logs_to_stderr, open_server
from eggypro_http.app import create_app
from eggypro_http.wsgi import config_of
from tests.support.builders import ADMIN_KEY
from tests.support.wsgi import ADMIN, EGG, PRODUCTS

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = (DEPLOY / "alerts.yml").read_text()
DASHBOARD = json.loads((DEPLOY / "grafana.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
VARIABLES = {f"${variable['name']}" for variable in DASHBOARD["templating"]["list"]}
SELECTOR = re.compile(r"\b(eggypro_\w+)(?:\{(.*?)\})?")
LABEL = re.compile(r'(\w+)(?:=~|!~|!=|=)"(.*?)"')
SERVER_LABELS = {"instance", "job"}
"""Labels that Prometheus adds."""


@pytest.fixture
def exported(
    tmp_path: Path,
    database_url: sa.URL,
    restore_logging: None,  # noqa: ARG001
) -> Iterator[dict[str, set[str]]]:
    """The label names of each metric that a server exports after a request of each kind."""
    url = database_url.render_as_string(hide_password=False)
    settings = Settings(eggypro_data_dir=tmp_path, postgres_url=url, admin_secret_key=ADMIN_KEY)
    parts = open_server(settings, logs_to_stderr(settings, colours=False), tmp_path / "metrics")
    with parts.shop:
        client = TestClient(create_app(parts.shop, config_of(settings, parts)))
        for method, path in (("GET", PRODUCTS), ("GET", EGG), ("POST", PRODUCTS), ("GET", "/no")):
            client.simulate_request(method, path)
        page = client.simulate_get("/metrics", headers=ADMIN).text
        yield {
            sample.name: set(sample.labels)
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }


def test_dashboard_and_alerts_use_exported_metrics_and_labels(
    exported: dict[str, set[str]],
) -> None:
    used = [match for text in (ALERTS, *QUERIES) for match in SELECTOR.findall(text)]
    assert {name for name, _ in used} <= exported.keys()
    for name, selector in used:
        labels = {label for label, _ in LABEL.findall(selector)}
        assert labels - SERVER_LABELS <= exported[name], name


def test_dashboard_or_alerts_use_every_exported_metric(exported: dict[str, set[str]]) -> None:
    names = {re.sub("_(sum|count)$", "_bucket", name) for name in exported}
    assert names <= {name for text in (ALERTS, *QUERIES) for name, _ in SELECTOR.findall(text)}


def test_dashboard_queries_only_use_its_variables() -> None:
    used = {name for query in QUERIES for name in re.findall(r"\$\w+", query)}
    assert used <= VARIABLES | {"$__rate_interval"}


def test_dashboard_panels_are_complete_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for first, second in combinations(places, 2):
        assert not all(
            first[start] < second[start] + second[size]
            and second[start] < first[start] + first[size]
            for start, size in (("x", "w"), ("y", "h"))
        )
    sources = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
    assert sources == {"${datasource}"}


def test_alerts_say_what_is_wrong_and_what_to_do() -> None:
    rules = re.findall(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", ALERTS, re.DOTALL)
    assert len(rules) == len({name for name, _ in rules}) > 5
    for name, rule in rules:
        assert all(f"{key}: " in rule for key in ("severity", "summary", "action")), name


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_alerts_and_dashboard_queries(tmp_path: Path) -> None:
    queries = (query.replace("$__rate_interval", "5m") for query in QUERIES)
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    dashboard = tmp_path / "dashboard.yml"  # JSON is YAML
    dashboard.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    command = ["promtool", "check", "rules", str(DEPLOY / "alerts.yml"), str(dashboard)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
