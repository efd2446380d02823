"""`eggypro db dump` and `eggypro db restore`."""

from pathlib import Path

import orjson
import pytest
from attrs import evolve

from tests.support.runtime import MemoryRuntime, RunCommand

REPORT = {
    "revision": "0001",
    "created_at": "2026-11-30T12:00:00+00:00",
    "products": 12,
    "images": 1,
    "warnings": [],
}


@pytest.fixture
def runtime() -> MemoryRuntime:
    return MemoryRuntime()


@pytest.fixture
def dump_file(tmp_path: Path) -> str:
    path = tmp_path / "shop.eggypro"
    path.write_bytes(b"dump")
    return str(path)


def test_dump_writes_a_file(run_command: RunCommand, tmp_path: Path) -> None:
    path = tmp_path / "shop.eggypro"
    result = run_command("db", "dump", str(path))
    assert (result.code, result.err) == (0, "")
    assert " ".join(result.out.split()) == f"Wrote 12 products and 1 image to {path}."
    assert path.read_bytes() == b"dump"
    body = orjson.loads(run_command("db", "dump", str(path), "--json").out)
    assert body == {"file": str(path), **REPORT}


def test_dump_to_stdout_is_the_dump_alone(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    runtime.backups.report = evolve(runtime.backups.report, warnings=("An image is missing",))
    result = run_command("db", "dump", "-", "--json")
    assert (result.code, result.out, result.err) == (0, "dump", "An image is missing.\n")


def test_dump_to_an_unwritable_file_fails(run_command: RunCommand) -> None:
    assert run_command("db", "dump", "/dev/full").code == 3
    assert run_command("db", "dump", "/no/such/folder/shop.eggypro").code == 2


def test_restore_of_an_empty_shop_needs_no_confirmation(
    run_command: RunCommand, runtime: MemoryRuntime, dump_file: str
) -> None:
    result = run_command("db", "restore", dump_file)
    sentence = "Restored 12 products and 1 image, as of 2026-11-30T12:00:00+00:00.\n"
    assert (result.code, result.out, result.err) == (0, sentence, "")
    assert orjson.loads(run_command("db", "restore", dump_file, "--json").out) == REPORT
    assert runtime.backups.replaced == [False, False]


def test_replacing_a_shop_must_be_confirmed(
    run_command: RunCommand, runtime: MemoryRuntime, dump_file: str
) -> None:
    result = run_command("db", "restore", dump_file, "--replace", "--json")
    assert (result.code, runtime.backups.replaced) == (1, [])
    assert run_command("db", "restore", dump_file, "--replace", "--yes").code == 0
    assert (runtime.backups.replaced, runtime.backups.kept_access) == ([True], [False])
    result = run_command("db", "restore", dump_file, "--with-access")
    assert (result.code, runtime.backups.kept_access) == (0, [False, True])


def test_restore_of_another_file_is_refused(run_command: RunCommand, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"other")
    result = run_command("db", "restore", str(path))
    assert (result.code, result.out) == (1, "")
    assert "not a dump of EggyPro" in result.err
    assert run_command("db", "restore", str(tmp_path / "missing")).code == 2
