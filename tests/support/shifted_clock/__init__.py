"""A wrong clock of another Python process, which may change at any time."""

from pathlib import Path

DAY_SECONDS = 24 * 3600
_FILE = "clock-shift"


def shifted_clock_environment(folder: Path) -> dict[str, str]:
    """Return environment variables of a process whose clock `set_clock` changes."""
    set_clock(folder, 0)
    return {"PYTHONPATH": str(Path(__file__).parent), "CLOCK_SHIFT": str(folder / _FILE)}


def set_clock(folder: Path, seconds: int) -> None:
    """Make the clock wrong by `seconds`."""
    new = folder / f"{_FILE}.new"
    new.write_text(str(seconds), encoding="ascii")
    new.replace(folder / _FILE)
