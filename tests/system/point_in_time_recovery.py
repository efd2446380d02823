"""The documented point-in-time recovery, run as it is written: a step of `.ci/run`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggypro_adapters.embedded_postgres.os_user import child_user_options

ROOT = Path(__file__).parents[2]
BINARIES = Path("/usr/lib/postgresql/15/bin")
NOBODY = 65534, 65534
"""The user and group that run Postgres if the tests run as root."""
DOCUMENTED_TIME = "2026-11-30 14:05:00+00"
pytestmark = pytest.mark.skipif(not BINARIES.exists(), reason="needs Postgres 15 of Debian")


def documented_blocks() -> list[str]:
    """Return the settings, the base backup and the recovery of the page."""
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    section = page.partition("### Point-in-time recovery")[2].partition("\n## ")[0]
    return re.findall(r"^```\w+\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="egg-"))
    if os.geteuid() == 0:
        os.chown(path, *NOBODY)
    yield path
    run(path, 'pg_ctl stop --pgdata="$PGDATA" --mode=immediate', check=False)
    shutil.rmtree(path)


def run(folder: Path, script: str, *, check: bool = True) -> str:
    """Run a shell script as a user that Postgres accepts, and return its output."""
    environment = {
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
        "PGDATA": f"{folder}/data",
        "PGHOST": str(folder),
        "PGUSER": "shop",
        "PGDATABASE": "shop",
        "LC_ALL": "C.UTF-8",
    }
    process = subprocess.run(
        ["bash", "-euc", script.replace("/backup", f"{folder}/backup")],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=check,
        **child_user_options(*NOBODY),
    )
    return str(process.stdout)


def eggypro(folder: Path, *words: str) -> str:
    url = f"postgresql://shop@/shop?host={folder}"
    environment = {**os.environ, "POSTGRES_URL": url, "EGGYPRO_DATA_DIR": str(folder / "eggypro")}
    command = [sys.executable, "-m", "eggypro_cli", *words]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_the_documented_steps_return_to_the_moment_before_a_mistake(folder: Path) -> None:
    settings, base_backup, recovery = documented_blocks()
    local = f"listen_addresses = ''\nunix_socket_directories = '{folder}'\n"
    run(
        folder,
        "mkdir -p /backup/wal /backup/base; initdb --auth=trust --username=shop > init.log\n"
        f"cat >> $PGDATA/postgresql.conf <<'END'\n{settings}{local}END\n"
        "pg_ctl start --wait --log=$PGDATA.log > start.log; createdb shop",
    )
    eggypro(folder, "db", "upgrade")
    eggypro(folder, "seed")
    run(folder, base_backup)
    eggypro(folder, "products", "update", "vanilla-egg-white-protein", "--price", "1.23")
    moment = run(folder, "psql -Atc 'SELECT now()'").strip()
    run(folder, "psql -qc 'DELETE FROM products'")
    recovery = recovery.replace(DOCUMENTED_TIME, moment).replace("eggypro db check\n", "")
    run(folder, recovery)
    assert "matches" in eggypro(folder, "db", "check")
    assert "1.23" in eggypro(folder, "products", "show", "vanilla-egg-white-protein")
    assert "12" in eggypro(folder, "products", "list", "--status", "all", "--json")
