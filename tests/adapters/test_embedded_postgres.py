import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from eggypro_adapters.embedded_postgres import attach, find_binaries
from eggypro_adapters.embedded_postgres.binaries import binaries_for
from eggypro_core.errors import UnavailableError

USE = """
import sys, psycopg
from pathlib import Path
from eggypro_adapters.embedded_postgres import attach
with attach(Path(sys.argv[1]), linger=float(sys.argv[2])) as server:
    with psycopg.connect(server.conninfo) as c:
        print(c.execute("SELECT pg_postmaster_start_time()::text").fetchone()[0], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder for a server, with a short path; whatever runs there at the end is killed."""
    folder = Path(tempfile.mkdtemp(prefix="egg-"))
    yield folder / "data"
    for pid in alive(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(folder))
    shutil.rmtree(folder)


def alive(folder: Path) -> list[int]:
    """All processes that know of a folder by their command, or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes() + os.fsencode((process / "cwd").readlink())
            if os.fsencode(folder) in words and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


def eventually(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds, and fail if it never does."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        pause.wait(0.02)


def guardians(data: Path) -> list[int]:
    return [
        pid for pid in alive(data) if b"guardian.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def postmaster(data: Path) -> int:
    return int((data / "pg" / "postmaster.pid").read_text().split()[0])


def user(data: Path, linger: float = 0) -> "subprocess.Popen[str]":
    """Another process that uses the server until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(data), str(linger)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def leave(process: "subprocess.Popen[str]") -> str:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out.strip()


def counted(data: Path) -> int:
    with attach(data, linger=0) as server, psycopg.connect(server.conninfo) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_the_first_use_makes_a_database_in_utf8_and_utc(data: Path) -> None:
    with attach(data, linger=0) as server, psycopg.connect(server.conninfo) as connection:
        row = connection.execute(
            "SELECT current_database(), current_setting('server_encoding'),"
            " current_setting('timezone'), current_setting('fsync'), 'É' ILIKE 'é', 'Z' < 'a'"
        ).fetchone()
    assert row == ("eggypro", "UTF8", "UTC", "on", True, True)
    assert data.stat().st_mode & 0o777 == 0o700


def test_the_address_is_good_for_sqlalchemy_too(data: Path) -> None:
    import sqlalchemy as sa

    with attach(data, linger=0) as server:
        engine = sa.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        engine.dispose()


def test_many_who_come_at_once_share_one_server(data: Path) -> None:
    users = [user(data) for _ in range(8)]
    assert len({leave(one) for one in users}) == 1


def test_the_server_goes_with_its_last_user(data: Path) -> None:
    first = attach(data, linger=0)
    second = user(data)
    assert second.stdout is not None
    second.stdout.readline()
    first.close()
    assert guardians(data)
    leave(second)
    eventually(lambda: not alive(data))


def test_a_user_that_is_killed_is_a_user_gone(data: Path) -> None:
    killed = user(data)
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    eventually(lambda: not alive(data))


def test_the_server_lingers_for_the_next_command(data: Path) -> None:
    began = leave(user(data, linger=60))
    assert leave(user(data, linger=60)) == began


@pytest.mark.parametrize("victims", ["guardian", "postmaster", "all"])
def test_no_kill_loses_what_was_acknowledged_or_blocks_a_later_start(
    data: Path, victims: str
) -> None:
    with attach(data, linger=0) as server:
        acknowledged = 0
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(server.conninfo, autocommit=True) as connection,
        ):
            connection.execute("CREATE TABLE kept (n int)")
            chosen = {
                "guardian": guardians(data),
                "postmaster": [postmaster(data)],
                "all": alive(data),
            }
            while True:
                connection.execute("INSERT INTO kept VALUES (1)")
                acknowledged += 1
                if acknowledged == 200:
                    for pid in chosen[victims]:
                        os.kill(pid, signal.SIGKILL)
        assert acknowledged >= 200
        # One insert may have been committed without our hearing of it.
        assert counted(data) - acknowledged in {0, 1}


def test_a_starter_that_is_killed_at_any_moment_leaves_a_folder_that_works(data: Path) -> None:
    pause = threading.Event()
    for milliseconds in (60, 150, 300, 500):
        starter = user(data)
        pause.wait(milliseconds / 1000)
        starter.kill()
        starter.communicate()
    assert leave(user(data))


def test_a_folder_that_was_half_made_is_made_anew(data: Path) -> None:
    (data / "pg.new" / "base").mkdir(parents=True)
    (data / "pg.new" / "PG_VERSION").write_text("18\n")
    assert leave(user(data))
    assert not (data / "pg.new").exists()


def test_the_note_of_a_server_whose_number_is_another_process_now_is_litter(data: Path) -> None:
    leave(user(data))
    eventually(lambda: not alive(data))
    note = f"{os.getppid()}\n{data / 'pg'}\n{int(time.time())}\n5432\n{data / 'run'}\n\n"
    (data / "pg" / "postmaster.pid").write_text(note)
    (data / "run" / ".s.PGSQL.5432.lock").write_text(note)
    assert leave(user(data))


def test_two_folders_have_two_servers(data: Path) -> None:
    with attach(data, linger=0), attach(data.with_name("other"), linger=0):
        assert postmaster(data) != postmaster(data.with_name("other"))


def test_a_long_path_has_its_socket_elsewhere(data: Path) -> None:
    deep = data.joinpath(*(["a" * 40] * 4))
    with attach(deep, linger=0) as server:
        assert len(str(server.socket_dir)) < 80
        assert counted_one(server.conninfo)
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(server.socket_dir)


def counted_one(conninfo: str) -> bool:
    with psycopg.connect(conninfo) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_of_another_major_version_is_refused_in_one_sentence(data: Path) -> None:
    (data / "pg").mkdir(parents=True)
    (data / "pg" / "PG_VERSION").write_text("9\n")
    with pytest.raises(UnavailableError) as refused:
        attach(data)
    said = str(refused.value)
    assert "Postgres 9" in said
    assert "EGGYPRO_DATA_DIR" in said
    assert "\n" not in said


def test_a_folder_keeps_the_version_that_it_was_made_by(data: Path) -> None:
    old = find_binaries(17)
    with attach(data, linger=0, binaries=old):
        assert binaries_for(data / "pg") == old
    assert find_binaries() != old


def test_a_postgres_that_is_not_there_is_said_so() -> None:
    with pytest.raises(UnavailableError, match="POSTGRES_URL"):
        find_binaries(99)


def test_a_place_that_is_no_folder_is_refused_in_one_sentence(data: Path) -> None:
    data.write_text("a file")
    with pytest.raises(UnavailableError, match=r"cannot be kept in .*POSTGRES_URL"):
        attach(data)


def test_settings_that_postgres_refuses_are_said_and_not_tried_for_ever(data: Path) -> None:
    with pytest.raises(UnavailableError, match="nonsense"):
        attach(data, linger=0, settings={"nonsense": "1"})
    assert leave(user(data))


def readable_by_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in [path, *path.parents])


@pytest.mark.skipif(
    os.geteuid() != 0
    or not readable_by_all(Path(sys.executable).resolve())
    or not readable_by_all(find_binaries()),
    reason="only root can work in another's folder, and where that other can run these programs",
)
def test_root_leaves_no_file_of_its_own_in_another_users_folder(data: Path) -> None:
    data.mkdir()
    for folder in (data.parent, data):
        os.chown(folder, 65534, 65534)
    with attach(data, linger=0) as server:
        assert counted_one(server.conninfo)
        assert {path.stat().st_uid for path in data.rglob("*")} == {65534}
