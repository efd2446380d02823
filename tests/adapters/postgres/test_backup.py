"""Dumps and restores of real databases and image folders."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.contracts.waiting import wait_for_result
from eggypro_adapters.local_image_files import LocalImageFiles
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.api_keys import PostgresApiKeyStore
from eggypro_adapters.postgres.backup import PostgresBackups
from eggypro_adapters.postgres.backup.archive import MANIFEST
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.schema import HEAD_REVISION, metadata
from eggypro_core.access.api_keys import ApiKeyDraft
from eggypro_core.access.authentication import Permission
from eggypro_core.errors import ConflictError, ParseError, UnavailableError
from eggypro_core.operations.backups import BackupReport, ImageFiles, no_progress
from eggypro_core.shop import Shop
from tests.conftest import new_database
from tests.support.backup_process import AFTER_COMMIT
from tests.support.builders import ADMIN_KEY, ShopStores, make_shop, product_values
from tests.support.lock_waits import wait_until_blocked
from tests.support.random_shops import make_shop_with, shop_contents

pytestmark = pytest.mark.usefixtures("shop")
Contents = dict[str, list[str]]
OTHER_ROWS = (
    r"""INSERT INTO reviews (product_id, reviewer_name, rating, comment, is_verified)
    SELECT id, E'Z\tö "a', 5, E'\\\\. \\\\N \n\r, it''s', true FROM products""",
    "INSERT INTO slug_aliases SELECT 'former-' || id, id FROM products",
    "INSERT INTO product_sources SELECT 'shopify', CAST(id AS text), id FROM products",
    "INSERT INTO search_misses VALUES ('ostrich', 3, now())",
    """INSERT INTO api_metrics (endpoint, method, status_code, response_time)
    VALUES ('/', 'GET', 200, 0.1)""",
    """INSERT INTO api_keys (name, prefix, digest, permissions, revoked_at)
    SELECT 'erp', '0123456789ab', sha256('erp'), '{products:write}', now()""",
    r"INSERT INTO idempotency_keys VALUES ('k', 'f', '\\x00ff5c0a', '{}', now())",
)
"""Rows of tables that random shops leave empty."""


def execute(database: Database, *statements: str) -> None:
    with database.long_transaction() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def contents(database: Database) -> Contents:
    """Return all rows of all tables as texts."""
    with database.long_transaction() as connection:
        return {
            table: sorted(
                connection.scalars(sa.text(f"SELECT CAST({table} AS text) FROM {table}")).all()
            )
            for table in ("alembic_version", *metadata.tables)
        }


def schemas(database: Database) -> Sequence[str]:
    with database.long_transaction() as connection:
        return connection.scalars(
            sa.text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'eggypro%'")
        ).all()


def backups(database: Database, images: ImageFiles | None = None) -> PostgresBackups:
    return PostgresBackups(database, images, "1.2.3")


def dump(database: Database, images: ImageFiles | None = None) -> io.BytesIO:
    target = io.BytesIO()
    backups(database, images).dump(target, no_progress)
    return target


def restore(
    database: Database,
    source: BinaryIO,
    images: ImageFiles | None = None,
    *,
    replace: bool = False,
    with_access: bool = False,
) -> BackupReport:
    return backups(database, images).restore(
        source, no_progress, replace=replace, with_access=with_access
    )


def rewritten(source: io.BytesIO, change: Callable[[str, bytes], bytes]) -> io.BytesIO:
    """Return an archive whose members are changed."""
    target = io.BytesIO()
    with ZipFile(source) as before, ZipFile(target, "w") as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return target


def replace_in(member: str, former: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    """Return a change of one member, which is emptied if `new` is empty."""

    def change(name: str, content: bytes) -> bytes:
        if name != member:
            return content
        assert former in content
        return content.replace(former, new) if new else b""

    return change


def with_manifest(source: io.BytesIO, **values: Any) -> io.BytesIO:
    def change(name: str, content: bytes) -> bytes:
        return json.dumps(json.loads(content) | values).encode() if name == MANIFEST else content

    return rewritten(source, change)


@pytest.fixture
def shop(database: Database) -> Shop:
    """A shop with one product."""
    shop = make_shop(PostgresProductStore(database))
    shop.products.create(product_values(name="Egg"))
    return shop


@pytest.fixture
def empty_database(
    empty_database_url: sa.URL, connect_database: Callable[..., Database]
) -> Database:
    return connect_database(empty_database_url)


@pytest.fixture(scope="module")
def source_database(postgres: sa.URL) -> Iterator[Database]:
    with new_database(postgres) as url:
        database = Database.connect(url)
        yield database
        database.close()


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(data=shop_contents())
def test_a_restored_shop_equals_the_dumped_one(
    postgres: sa.URL, source_database: Database, data: Any
) -> None:
    names = ", ".join(metadata.tables)
    execute(source_database, f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    make_shop_with(ShopStores.in_postgres(source_database), *data)
    execute(source_database, *OTHER_ROWS)
    with (
        new_database(postgres, "template0") as url,
        closing(Database.connect(url)) as target,
    ):
        restore(target, dump(source_database))
        assert contents(target) == contents(source_database)
        assert not PostgresMigrations(target).differences()


def test_replacing_a_shop_keeps_rights_and_continues_ids(database: Database, shop: Shop) -> None:
    deleted = shop.products.create(product_values(name="Deleted"))
    shop.products.delete(deleted.slug)
    file, before = dump(database), contents(database)
    execute(database, "GRANT SELECT ON products TO pg_read_all_stats WITH GRANT OPTION")
    execute(database, "GRANT USAGE ON SEQUENCE products_id_seq TO public")
    shop.products.update("egg", {"name": "Changed"})
    shop.products.create(product_values(name="Later"))
    report = restore(database, file, replace=True)
    assert (report.products, report.revision, report.warnings) == (1, HEAD_REVISION, ())
    assert contents(database) == before
    assert schemas(database) == []
    assert not PostgresMigrations(database).differences()
    with database.long_transaction() as connection:
        rights = "SELECT CAST(relacl AS text) FROM pg_class WHERE relname = :name"
        acl = connection.scalar(sa.text(rights), {"name": "products"})
        assert "pg_read_all_stats=r*/" in acl
        acl = connection.scalar(sa.text(rights), {"name": "products_id_seq"})
        assert "{=U/" in acl or ",=U/" in acl
    assert shop.products.create(product_values(name="New")).id == deleted.id + 1


def test_a_restore_mends_a_damaged_database(database: Database) -> None:
    file, before = dump(database), contents(database)
    execute(
        database,
        "ALTER TABLE api_metrics DROP CONSTRAINT api_metrics_pkey",
        "DROP FUNCTION eggypro_touch",
        "DROP TABLE reviews, alembic_version",
    )
    restore(database, file, replace=True)
    assert contents(database) == before
    assert not PostgresMigrations(database).differences()


@pytest.mark.parametrize("with_access", [False, True])
def test_api_keys_are_revoked_unless_access_is_restored_too(
    database: Database, *, with_access: bool
) -> None:
    keys = PostgresApiKeyStore(database)
    draft = ApiKeyDraft("erp", frozenset({Permission.PRODUCTS_READ}))
    valid, revoked = (
        keys.create(draft, prefix, bytes(32), NOON) for prefix in ("0" * 12, "1" * 12)
    )
    keys.revoke(revoked.id, NOON)
    report = restore(database, dump(database), replace=True, with_access=with_access)
    assert (keys.get(valid.prefix).revoked_at is None) is with_access
    assert keys.get(revoked.prefix).revoked_at == NOON
    warning = "API keys were revoked: 1. Pass --with-access to keep them"
    assert report.warnings == (() if with_access else (warning,))


def test_products_are_not_replaced_unless_asked(database: Database) -> None:
    file, before = dump(database), contents(database)
    with pytest.raises(ConflictError, match="The database has 1 product: pass --replace"):
        restore(database, file)
    assert contents(database) == before


def test_products_that_are_created_meanwhile_are_not_replaced(
    database: Database, shop: Shop
) -> None:
    file = dump(database)
    shop.products.delete("egg")

    def write(step: str) -> None:
        if step == "Replacing the tables":
            shop.products.create(product_values(name="Later"))

    with pytest.raises(ConflictError, match="The database has 1 product"):
        backups(database).restore(file, write, replace=False)
    assert shop.products.get("later").name == "Later"


def test_a_dump_is_one_snapshot(database: Database, shop: Shop) -> None:
    file, before = io.BytesIO(), contents(database)

    def write(step: str) -> None:
        if step == "Dumping products":
            shop.products.create(product_values(name="Later"))

    assert backups(database).dump(file, write).products == 1
    restore(database, file, replace=True)
    assert contents(database) == before


def test_a_dump_of_a_former_revision_is_upgraded(
    empty_database: Database, database: Database
) -> None:
    migrations = PostgresMigrations(empty_database)
    migrations.upgrade("0010")
    execute(
        empty_database,
        "INSERT INTO products (name, slug, description, details, price, attributes, name_key)"
        """ VALUES ('Egg', 'egg', '', '', 1, '{"Vendor"\\: "Acme"}', 'egg')""",
        "INSERT INTO categories (name, slug, path) VALUES ('Bars', 'bars', '{bars}')",
        "INSERT INTO product_categories VALUES (1, 1)",
    )
    report = restore(database, dump(empty_database), replace=True)
    assert (report.revision, report.products) == ("0010", 1)
    assert not PostgresMigrations(database).differences()
    store = PostgresProductStore(database)
    assert store.get("egg").brand == "Acme"
    assert store.create(make_draft(), NOON).id == 2
    with database.long_transaction() as connection:
        words = connection.scalar(sa.text("SELECT CAST(words AS text) FROM product_search"))
    assert "'#1'" in words


def test_a_database_at_a_former_revision_is_replaced(
    empty_database: Database, database: Database
) -> None:
    PostgresMigrations(empty_database).upgrade("0006")
    restore(empty_database, dump(database))
    assert contents(empty_database) == contents(database)
    assert not PostgresMigrations(empty_database).differences()


def test_newer_revisions_are_refused(database: Database) -> None:
    file = dump(database)
    with pytest.raises(ConflictError, match=r"9999.*restore it with version 1\.2\.3"):
        restore(database, with_manifest(file, revision="9999"), replace=True)
    with pytest.raises(ParseError, match="restore it with that version"):
        restore(database, with_manifest(file, format=2), replace=True)
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConflictError, match="The database is at revision 9999"):
        restore(database, file, replace=True)
    with pytest.raises(ConflictError, match="The database is at revision 9999"):
        dump(database)


def test_an_empty_database_is_not_dumped(empty_database: Database) -> None:
    with pytest.raises(ConflictError, match="nothing to dump"):
        dump(empty_database)


def test_other_files_are_refused(database: Database) -> None:
    archives = []
    for text in ("a", '{"format": 1}', '{"format": 1, "tables": {}}'):
        with ZipFile(other := io.BytesIO(), "w") as archive:
            archive.writestr("a.txt" if text == "a" else MANIFEST, text)
        archives.append(other.getvalue())
    for content in (b"", b"PK", b"PGDMP", b"id,name\n", *archives):
        with pytest.raises(ParseError, match="The file is not a dump of EggyPro"):
            restore(database, io.BytesIO(content))


def test_damaged_dumps_change_nothing(database: Database) -> None:
    file, before = dump(database).getvalue(), contents(database)
    middle = file.index(b"tables/products.copy") + 200
    for damaged in (
        *(file[: len(file) * part // 10] for part in (1, 5, 9)),
        file[:-1],
        file[:middle] + bytes(64) + file[middle + 64 :],
    ):
        with pytest.raises(ParseError, match="The dump is damaged"):
            restore(database, io.BytesIO(damaged), replace=True)
    assert contents(database) == before


CHANGES = [
    ("tables/products.copy", b"Egg\t", b"\tEgg"),  # another number of columns
    ("tables/products.copy", b"Egg\tegg", b"Egg\tE G"),  # breaks a constraint
    ("tables/products.copy", b"\n", b""),  # no row
    (MANIFEST, b'"seo_title",', b" "),  # fewer columns than values
    (MANIFEST, b'"products.id"', b'"strange.id"'),
]


def test_changed_dumps_change_nothing(database: Database) -> None:
    file, before = dump(database), contents(database)
    for member, former, new in CHANGES:
        with pytest.raises(ParseError, match="The dump is damaged"):
            restore(database, rewritten(file, replace_in(member, former, new)), replace=True)
    assert contents(database) == before


def test_unknown_columns_are_left_out_with_a_warning(database: Database) -> None:
    before = contents(database)
    execute(database, """ALTER TABLE products ADD COLUMN "a ""b" text DEFAULT 'x'""")
    report = restore(database, dump(database), replace=True)
    assert report.warnings == (
        'Not restored, as EggyPro does not know them: columns products.a "b',
    )
    assert contents(database) == before
    assert not PostgresMigrations(database).differences()


def test_a_restore_waits_for_writers(database: Database, shop: Shop) -> None:
    file = dump(database)
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            connection.execute(sa.text("UPDATE products SET stock_quantity = 99"))
            future = threads.submit(restore, database, file, replace=True)
            wait_until_blocked(database, future)
            assert shop.products.get("egg").name == "Egg"  # readers wait for one attempt at most
        assert wait_for_result(future).products == 1
    assert shop.products.get("egg").stock_quantity != 99


def test_a_restore_gives_up_if_the_tables_stay_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eggypro_adapters.postgres.backup.schema_swap.LOCK_WAIT_SECONDS", 0)
    file, before = dump(database), contents(database)
    with database.long_transaction() as connection:
        connection.execute(sa.text("SELECT FROM products"))
        with pytest.raises(UnavailableError, match="Other connections keep the tables locked"):
            restore(database, file, replace=True)
    assert contents(database) == before


def test_objects_of_others_that_depend_on_tables_are_named(database: Database) -> None:
    execute(database, "CREATE VIEW names AS SELECT name FROM products")
    with pytest.raises(ConflictError, match="view names depends on table products"):
        restore(database, dump(database), replace=True)
    assert schemas(database) == []


def test_a_role_without_the_necessary_rights_is_refused(database: Database) -> None:
    file, role = dump(database), f"role_{uuid4().hex}"
    execute(
        database, f"CREATE ROLE {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    )

    @sa.event.listens_for(database.engine, "begin")
    def set_role(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"SET LOCAL ROLE {role}"))

    with pytest.raises(ConflictError, match="the tables belong to role eggypro"):
        restore(database, file, replace=True)
    tables = ("alembic_version", *metadata.tables)
    owned = [f"ALTER TABLE {table} OWNER TO {role}" for table in tables]
    execute(database, "RESET ROLE", *owned)
    with pytest.raises(ConflictError, match="the role may not create schemas"):
        restore(database, file, replace=True)
    execute(database, "RESET ROLE", f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


def upload_images(database: Database, folder: Path, count: int) -> list[str]:
    """Add images to the product, and return their ids."""
    store = LocalImageStore(folder, PillowImageCleaner(), ADMIN_KEY)
    shop = make_shop(
        PostgresProductStore(database),
        image_registry=PostgresImageRegistry(database),
        images=store,
    )
    shop.images.upload("egg", [make_image() for _ in range(count)])
    return [image.ref for image in shop.products.get("egg").images]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.image/*")}


def test_images_are_restored_and_later_ones_released(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    upload_images(database, folder, 2)
    images, before = LocalImageFiles(folder), files_in(folder)
    file = dump(database, images)
    later = upload_images(database, folder, 1)[-1]
    (folder / next(iter(before))).unlink()
    (folder / next(iter(before))).parent.rmdir()
    assert restore(database, file, images, replace=True).images == 2
    assert {name: files_in(folder)[name] for name in before} == before
    assert set(PostgresImageRegistry(database).release_expired(NOON)) == {later}
    elsewhere = tmp_path / "elsewhere"
    restore(database, file, LocalImageFiles(elsewhere), replace=True)
    assert files_in(elsewhere) == before


def test_images_elsewhere_and_missing_files_are_warnings(database: Database, folder: Path) -> None:
    images = LocalImageFiles(folder)
    upload_images(database, folder, 1)
    [warning] = restore(database, dump(database, images), replace=True).warnings
    assert "IMAGE_STORE=local" in warning
    [warning] = restore(database, dump(database), images, replace=True).warnings
    assert "IMAGE_STORE=cloudinary" in warning
    report = backups(database, LocalImageFiles(folder / "empty")).dump(io.BytesIO(), no_progress)
    assert report.warnings == ("Images without a file, or deleted during the dump: 1",)


@pytest.mark.parametrize(
    "name", ["../x.image/original.1x1.png", "x.image/../original.1x1.png", "/x", "x.image/run.sh"]
)
def test_images_are_written_only_to_places_of_images(folder: Path, name: str) -> None:
    with LocalImageFiles(folder).receive() as received, pytest.raises(ParseError):
        received.add(name, io.BytesIO(b"x"))
    assert files_in(folder) == {}


@pytest.mark.parametrize("step", ["Replacing the tables", AFTER_COMMIT])
def test_a_killed_restore_leaves_one_state_and_no_litter(
    database_url: sa.URL, database: Database, folder: Path, tmp_path: Path, step: str
) -> None:
    file, images = tmp_path / "shop.dump", LocalImageFiles(folder)
    upload_images(database, folder, 1)
    dumped, dumped_files = contents(database), files_in(folder)
    file.write_bytes(dump(database, images).getvalue())
    upload_images(database, folder, 1)
    before = contents(database)
    url, empty = database_url.render_as_string(hide_password=False), tmp_path / "empty"
    process = subprocess.run(
        [sys.executable, "-m", "tests.support.backup_process", url, empty, file, step],
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    if step == AFTER_COMMIT:
        assert contents(database)["products"] == dumped["products"]
    else:
        assert contents(database) == before
    assert schemas(database) == []
    with file.open("rb") as source:
        restore(database, source, LocalImageFiles(empty), replace=True)
    assert contents(database)["products"] == dumped["products"]
    assert files_in(empty) == dumped_files


def test_dumps_are_written_to_and_read_from_pipes(database: Database) -> None:
    def write(descriptor: int) -> None:
        with os.fdopen(descriptor, "wb") as target:
            backups(database).dump(target, no_progress)

    before = contents(database)
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as threads, os.fdopen(reading, "rb") as source:
        future = threads.submit(write, writing)
        restore(database, source, replace=True)
        wait_for_result(future)
    assert contents(database) == before
