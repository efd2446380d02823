"""Peers: other programs that return the same responses as EggyPro, from the same database.

A typical FastAPI app (SQLAlchemy's async ORM, asyncpg), a bare Node server and a Next.js app (both
drizzle-orm and pg). They are installed from PyPI and npm into a folder that git ignores.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

from attrs import frozen

from bench.processes import Server, run_server
from bench.shop import ADMIN_KEY, BenchShop

CACHE = Path(__file__).parents[2] / ".bench"
"""The folder of installed peers and saved runs."""
FASTAPI, NODE, NEXT = "FastAPI, SQLAlchemy async, asyncpg", "Node http, drizzle", "Next.js, drizzle"
_SOURCES = Path(__file__).parent
_PYTHON = CACHE / "fastapi"
_JAVASCRIPT = CACHE / "javascript"
_STAMP = "installed"
_MIN_NODE = 20
_INSTALL_NODE = (
    f"Without the peers in Node: they need Node {_MIN_NODE} or newer, which `apt-get install nodejs"
    " npm` installs on Debian 13."
)
_CURSOR = re.compile(rb"cursor=[\w-]+")


@frozen
class Peer:
    """A peer that is installed: its command, which lacks the port, and its folder."""

    name: str
    command: Sequence[str]
    folder: Path
    versions: Sequence[str]
    """The names and versions of its packages."""


def install_peers() -> None:
    """Install the peers whose sources have changed since, or say what they need."""
    _install(_PYTHON, [_SOURCES / "requirements.txt"], _install_python)
    if _has_node():
        files = sorted(path for path in (_SOURCES / "javascript").rglob("*") if path.is_file())
        _install(_JAVASCRIPT, files, _install_javascript)
    else:
        print(_INSTALL_NODE, file=sys.stderr)


def installed_peers() -> list[Peer]:
    """Return the peers that are installed."""
    peers = []
    if (_PYTHON / _STAMP).exists():
        server = [str(_PYTHON / "bin" / "python"), "-m", "uvicorn", "fastapi_app:app"]
        options = ["--no-access-log", "--log-level", "warning"]
        command = [*server, *options, "--port"]
        peers.append(Peer(FASTAPI, command, _SOURCES, _python_versions()))
    if (_JAVASCRIPT / _STAMP).exists() and _has_node():
        next_start = ["node_modules/next/dist/bin/next", "start", "-H", "127.0.0.1", "-p"]
        versions = _javascript_versions()
        peers.append(Peer(NODE, ["node", "server.js"], _JAVASCRIPT, versions))
        peers.append(Peer(NEXT, ["node", *next_start], _JAVASCRIPT, versions))
    return peers


def start_peers(
    stack: ExitStack, peers: Iterable[Peer], shop: BenchShop, *, workers: int = 1
) -> dict[str, Server]:
    """Start peers on a shop and return them by name. Node servers always have one process."""
    environment = {
        **shop.libpq_variables,
        "ADMIN_SECRET_KEY": ADMIN_KEY,
        "NODE_ENV": "production",
        "NEXT_TELEMETRY_DISABLED": "1",
        "WEB_CONCURRENCY": str(workers),
    }
    return {
        peer.name: stack.enter_context(run_server(peer.command, environment, peer.folder))
        for peer in peers
    }


def check_responses(reference: Server, peers: Mapping[str, Server], paths: Sequence[str]) -> None:
    """Check that peers respond with the bytes of a reference. Raises SystemExit if one does not.

    Only the cursor of a next page may differ.
    """
    for path in paths:
        expected = comparable(_body(reference, path))
        for name, server in peers.items():
            body = comparable(_body(server, path))
            if body != expected:
                raise SystemExit(f"{path}: {name} responded {body!r} instead of {expected!r}")


def comparable(body: bytes) -> bytes:
    """Return a response body without what may differ between servers."""
    return _CURSOR.sub(b"cursor=", body)


def _install(folder: Path, sources: Sequence[Path], install: Callable[[], None]) -> None:
    """Install a peer, unless its folder has the stamp of these sources."""
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if (folder / _STAMP).exists() and (folder / _STAMP).read_text() == stamp:
        return
    print(f"Installing a peer into {folder}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    install()
    (folder / _STAMP).write_text(stamp)


def _install_python() -> None:
    subprocess.run([sys.executable, "-m", "venv", str(_PYTHON)], check=True)
    pip = [str(_PYTHON / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
    requirements = str(_SOURCES / "requirements.txt")
    subprocess.run([*pip, "--only-binary", ":all:", "-r", requirements], check=True)


def _install_javascript() -> None:
    shutil.copytree(_SOURCES / "javascript", _JAVASCRIPT)
    for command in (["npm", "ci", "--silent"], ["npx", "next", "build"]):
        subprocess.run(command, cwd=_JAVASCRIPT, stdout=subprocess.DEVNULL, check=True)


def _python_versions() -> list[str]:
    names = ("fastapi", "uvicorn", "asyncpg")
    lines = (_SOURCES / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    return [f"{name} {pinned[name]}" for name in names]


def _javascript_versions() -> list[str]:
    lock = json.loads((_SOURCES / "javascript" / "package-lock.json").read_text())
    names = ("drizzle-orm", "pg", "next")
    versions = [f"{name} {lock['packages'][f'node_modules/{name}']['version']}" for name in names]
    return [f"node {_node_version()}", *versions]


def _has_node() -> bool:
    return bool(shutil.which("node") and shutil.which("npm")) and is_new_enough(_node_version())


def _node_version() -> str:
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return version.stdout.strip().removeprefix("v")


def is_new_enough(version: str) -> bool:
    """Return whether the peers run on a version of Node, such as `20.1.0`."""
    return int(version.split(".", 1)[0]) >= _MIN_NODE


def _body(server: Server, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body
