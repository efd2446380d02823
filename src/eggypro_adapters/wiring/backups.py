"""Dumps and restores of the configured shop."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from eggypro_adapters.postgres.invalidation.feed import WriteVersions
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageStoreKind
from eggypro_adapters.wiring.common import package_version
from eggypro_adapters.wiring.database import open_database
from eggypro_core.operations.backups import Backups


@contextmanager
def open_backups(settings: Settings) -> Iterator[Backups]:
    """Yield dumps of the configured database, without its pooler if possible, and its images."""
    from eggypro_adapters.local_image_files import LocalImageFiles
    from eggypro_adapters.postgres.backup import PostgresBackups

    is_local = settings.image_store is ImageStoreKind.LOCAL
    images = LocalImageFiles(settings.eggypro_data_dir / "images") if is_local else None
    with (
        closing(WriteVersions(settings.eggypro_data_dir)) as write_versions,
        open_database(settings, write_versions.record, avoids_pooler=True) as database,
    ):
        yield PostgresBackups(database, images, package_version())
