"""The program `eggypro`: Ctrl-C ends it quietly, even while it is only being loaded."""

import signal
import sys
from typing import NoReturn


def run() -> int:
    """Run the command line that was typed, and return its exit code.

    SIGTERM and a terminal that is closed end it as Ctrl-C does: nothing is left half done.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # with nohup it is not
            signal.signal(number, _end)
    try:
        from eggypro_cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(run())
