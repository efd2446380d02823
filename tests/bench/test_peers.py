import json
import re
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.peers import check_responses, is_new_enough
from bench.processes import Server
from tests.support.local_http import QuietHandler, run_http_server

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "bench" / "peers"


class FixedResponse(QuietHandler):
    def __init__(self, body: bytes, *args: Any) -> None:
        self.body = body
        super().__init__(*args)

    def do_GET(self) -> None:  # noqa: N802 (http.server calls it so)
        self.respond(200, self.body)


def check(reference: bytes, peer: bytes) -> None:
    with ExitStack() as stack:
        ports = [
            stack.enter_context(run_http_server(partial(FixedResponse, body)))
            for body in (reference, peer)
        ]
        own, other = (Server(pid=0, port=port) for port in ports)
        check_responses(own, {"Peer": other}, ["/a"])


def test_a_peer_may_have_cursors_of_its_own() -> None:
    check(b'{"total":7,"next":"/a?cursor=W-1_"}', b'{"total":7,"next":"/a?cursor=abc"}')


@pytest.mark.parametrize("peer", [b'{"total":8}', b'{"total": 7}', b""])
def test_a_peer_must_respond_with_the_same_bytes(peer: bytes) -> None:
    with pytest.raises(SystemExit, match="/a: Peer responded"):
        check(b'{"total":7}', peer)


@pytest.mark.parametrize(
    ("version", "is_enough"), [("18.20.4", False), ("20.0.0", True), ("22.1.0", True)]
)
def test_node_must_be_new_enough(version: str, is_enough: bool) -> None:  # noqa: FBT001
    assert is_new_enough(version) is is_enough


def test_the_versions_of_all_python_packages_are_pinned() -> None:
    lines = (PEERS / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert packages
    assert [line for line in packages if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_the_lock_of_npm_has_hashes() -> None:
    lock = json.loads((PEERS / "javascript" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package] == []


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "bench/peers/requirements.txt",
        "bench/peers/javascript/package-lock.json",
        "tests/client/package-lock.json",
    ],
)
def test_locks_contain_no_address(lock: str) -> None:
    """Not even a page for donations: npm writes them as `funding`, which can be deleted."""
    assert "://" not in (ROOT / lock).read_text()
