"""The program `eggypro`: Ctrl-C ends it quietly, even while it is only being loaded."""

import sys


def run() -> int:
    """Run the command line that was typed, and return its exit code."""
    try:
        from eggypro_cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
