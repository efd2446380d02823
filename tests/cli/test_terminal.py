"""The program on a real terminal: colours, prompts, progress and signals."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
QUESTION = b"[y/N] "
SIGNAL_PROGRAM = """
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
import fcntl, signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits SIG_IGN
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # make it the controlling terminal, so that Ctrl-C arrives
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime
from eggypro_cli.main import main
runtime = MemoryRuntime()
runtime.shop.products.create(product_values(name="Albumen"))
sys.exit(main(sys.argv[1:], runtime))
"""


@frozen
class Session:
    """Exit code and output of a command on a terminal."""

    code: int
    output: bytes


def run_session(*words: str, keys: bytes = b"", **variables: str) -> Session:
    """Run a command on a terminal, and press `keys` at its prompt."""
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
        output = b""
        while chunk := _read(terminal):
            if QUESTION in output + chunk and QUESTION not in output:
                os.write(terminal, keys)
            output += chunk
    os.close(terminal)
    return Session(process.returncode, output)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux raises it when the other end is closed
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
def test_output_after_a_prompt_starts_on_a_new_line(keys: bytes, code: int, end: bytes) -> None:
    session = run_session("products", "delete", "albumen", keys=keys)
    assert session.code == code
    assert session.output.endswith(end)
    assert session.output.startswith(b"Permanently delete 'albumen'")


def test_an_undo_asks_first() -> None:
    session = run_session("undo", "1", keys=b"n\n")
    assert session.output.startswith(b"Undo batch 1? [y/N] n\r\nNothing was changed.")
    assert session.code == 1


def test_json_mode_prompts_on_a_terminal() -> None:
    session = run_session("products", "delete", "albumen", "--json", keys=b"y\n")
    assert (session.code, session.output[-3:]) == (0, b"y\r\n")


def test_headings_are_bold_unless_no_color_is_set() -> None:
    assert b"\x1b[1m" in run_session("products", "list").output
    plain = run_session("products", "list", NO_COLOR="1")
    assert b"albumen" in plain.output
    assert b"\x1b" not in plain.output


@pytest.mark.parametrize("words", [["products", "export", "/dev/null"], ["images", "prune"]])
def test_progress_is_shown_on_capable_terminals_only(words: list[str]) -> None:
    assert HIDE_CURSOR in run_session(*words).output
    assert b"\x1b" not in run_session(*words, "--json").output
    assert b"\x1b" not in run_session(*words, TERM="dumb").output


def test_import_shows_its_speed_unless_its_output_is_json(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("name,price\nAlbumen,9.50\n")
    progress = run_session("products", "import", str(file)).output
    assert HIDE_CURSOR in progress
    assert re.search(rb"Comparing.* 1 products, [0-9,]+/s", progress)
    assert run_session("products", "import", str(file), "--json").output.startswith(b'{"batch"')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_exit_like_ctrl_c(number: signal.Signals) -> None:
    process = python(SIGNAL_PROGRAM.format(number=number.value))
    assert (process.returncode, process.stdout, process.stderr) == (
        128 + number,
        b"tidied up\n",
        b"",
    )


def test_sighup_is_ignored_under_nohup() -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    process = python(ignoring + SIGNAL_PROGRAM.format(number=signal.SIGHUP.value), "--version")
    assert process.stdout.startswith(b"eggypro ")


def python(program: str, *args: str) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-c", program, *args]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
