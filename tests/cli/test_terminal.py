"""The program on a real terminal: colours, questions, Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
QUESTION = b"[y/N] "
IMPORTED = """
import signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "eggypro_cli.main":
            signal.raise_signal({number})
sys.meta_path.insert(0, Finder())
from eggypro_cli.__main__ import run
try:
    run()
finally:
    print("tidied up")
"""
HIDE_CURSOR = b"\x1b[?25l"
CTRL_C, CTRL_D = b"\x03", b"\x04"
PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal is this session's: its Ctrl-C comes here
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime
from eggypro_cli.main import main
runtime = MemoryRuntime()
runtime.shop.products.create(product_values(name="Albumen"))
sys.exit(main(sys.argv[1:], runtime))
"""


@frozen
class Session:
    """What was seen, and how it ended."""

    code: int
    seen: bytes


def session(*words: str, keys: bytes = b"", **variables: str) -> Session:
    """Run a command on a terminal, and press keys when it asks."""
    terminal, inner = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", **variables},
    ) as process:
        os.close(inner)
        seen = b""
        while part := _read(terminal):
            if QUESTION in seen + part and QUESTION not in seen:
                os.write(terminal, keys)
            seen += part
    os.close(terminal)
    return Session(process.returncode, seen)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


@pytest.mark.parametrize(
    ("keys", "code", "end"),
    [
        (CTRL_C, 130, b"[y/N] ^C\r\n"),
        (CTRL_D, 1, b"[y/N] \r\nNothing was changed. Confirm with y, or pass --yes.\r\n"),
        (b"n\n", 1, b"[y/N] n\r\nNothing was changed. Confirm with y, or pass --yes.\r\n"),
        (b"y\n", 0, b"[y/N] y\r\nDeleted 'albumen'.\r\n"),
    ],
)
def test_each_answer_to_a_question_ends_on_a_line_of_its_own(
    keys: bytes, code: int, end: bytes
) -> None:
    ended = session("products", "delete", "albumen", keys=keys)
    assert ended.code == code
    assert ended.seen.endswith(end)
    assert ended.seen.startswith(b"Permanently delete 'albumen'")


def test_a_person_who_wants_json_is_asked_too() -> None:
    ended = session("products", "delete", "albumen", "--json", keys=b"y\n")
    assert (ended.code, ended.seen[-3:]) == (0, b"y\r\n")


def test_a_terminal_has_a_heading_in_bold_unless_it_wants_no_colours() -> None:
    assert b"\x1b[1m" in session("products", "list").seen
    plain = session("products", "list", NO_COLOR="1")
    assert b"albumen" in plain.seen
    assert b"\x1b" not in plain.seen


@pytest.mark.parametrize("words", [["products", "export", "/dev/null"], ["images", "prune"]])
def test_progress_is_for_people_at_a_terminal_that_can_show_it(words: list[str]) -> None:
    assert HIDE_CURSOR in session(*words).seen
    assert b"\x1b" not in session(*words, "--json").seen
    assert b"\x1b" not in session(*words, TERM="dumb").seen


def test_an_import_tells_machines_no_progress(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("name,price\nAlbumen,9.50\n")
    assert HIDE_CURSOR in session("products", "import", str(file)).seen
    assert session("products", "import", str(file), "--json").seen.startswith(b'{"created"')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_ctrl_c_does(number: signal.Signals) -> None:
    done = python(IMPORTED.format(number=number.value))
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"tidied up\n", b"")


def test_with_nohup_a_command_outlives_its_terminal() -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    done = python(ignoring + IMPORTED.format(number=signal.SIGHUP.value), "--version")
    assert done.stdout.startswith(b"eggypro ")


def python(program: str, *args: str) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-c", program, *args]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
