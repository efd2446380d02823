"""The program `eggypro`. Ctrl-C exits without a traceback, even during imports."""

import signal
import sys
from typing import NoReturn


def run() -> int:
    """Run the command line of this process and return its exit code.

    SIGTERM and SIGHUP (terminal closed) roll back and exit like Ctrl-C.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _exit)
    try:
        from eggypro_cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


def _exit(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(run())
