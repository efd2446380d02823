"""The import rules between packages, and a violation of each that must be reported."""

import ast
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import attr
import attrs
import pytest

import eggypro_core

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
CONFIG = ROOT / "pyproject.toml"
TOOL = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads(CONFIG.read_text())["tool"]["importlinter"]["contracts"]
VIOLATIONS = [
    ("layers", "eggypro_core.validation.fields", "eggypro_adapters.memory"),
    ("layers", "eggypro_core.services.products", "eggypro_http.app"),
    ("layers", "eggypro_core.shop", "eggypro_cli.main"),
    ("layers", "eggypro_adapters.memory", "eggypro_http.errors"),
    ("layers", "eggypro_adapters.postgres.products", "eggypro_cli.errors"),
    ("layers", "eggypro_http.resources.products", "eggypro_cli.tables"),
    ("core", "eggypro_core.deployment", "eggypro_core.serializers"),
    ("core", "eggypro_core.deployment", "eggypro_core.maintenance"),
    ("core", "eggypro_core.shop", "eggypro_core.maintenance"),
    ("core", "eggypro_core.services.products", "eggypro_core.shop"),
    ("core", "eggypro_core.operations.idempotency", "eggypro_core.shop"),
    ("core", "eggypro_core.access.rate_limiting", "eggypro_core.operations.health"),
    ("core", "eggypro_core.ports.stores", "eggypro_core.access.rate_limiting"),
    ("core", "eggypro_core.search.results", "eggypro_core.ports"),
    ("core", "eggypro_core.domain.product", "eggypro_core.search.text"),
    ("core", "eggypro_core.validation.fields", "eggypro_core.domain.slug"),
    ("core", "eggypro_core.caching.entries", "eggypro_core.validation.unset"),
    ("core", "eggypro_core.errors", "eggypro_core.validation.unset"),
    ("http", "eggypro_http.server.worker", "eggypro_http.vercel"),
    ("http", "eggypro_http.app", "eggypro_http.server.worker"),
    ("http", "eggypro_http.error_reporting", "eggypro_http.app"),
    ("http", "eggypro_http.resources.products", "eggypro_http.error_reporting"),
    ("http", "eggypro_http.middleware.cors", "eggypro_http.resources.health"),
    ("http", "eggypro_http.routing", "eggypro_http.middleware.cors"),
    ("http", "eggypro_http.requests.multipart", "eggypro_http.routing"),
    ("http", "eggypro_http.response_cache", "eggypro_http.requests.multipart"),
    ("http", "eggypro_http.responses", "eggypro_http.errors"),
    ("postgres", "eggypro_adapters.postgres.products", "eggypro_adapters.postgres.migrations"),
    ("postgres", "eggypro_adapters.postgres.product_import", "eggypro_adapters.postgres.products"),
    ("postgres", "eggypro_adapters.postgres.category_tree", "eggypro_adapters.postgres.variants"),
    ("postgres", "eggypro_adapters.postgres.rollups", "eggypro_adapters.postgres.category_tree"),
    ("postgres", "eggypro_adapters.postgres.database", "eggypro_adapters.postgres.rollups"),
    ("postgres", "eggypro_adapters.postgres.schema", "eggypro_adapters.postgres.database"),
    ("acyclic", "eggypro_core.validation.fields", "eggypro_core.validation.parameters"),
    ("acyclic", "eggypro_adapters.files.csv_table", "eggypro_adapters.files.own_csv.reading"),
    ("edges", "eggypro_http.resources.products", "eggypro_adapters.wiring"),
    ("edges", "eggypro_http.app", "eggypro_adapters.memory"),
    ("edges", "eggypro_http.wsgi", "eggypro_adapters.postgres.database"),
    ("edges", "eggypro_cli.commands.products", "eggypro_adapters.settings"),
    ("edges", "eggypro_cli.main", "eggypro_adapters.memory"),
    ("serve", "eggypro_cli.commands.products", "eggypro_http.responses"),
    ("serve", "eggypro_cli.main", "eggypro_http.server.granian"),
    ("adapters", "eggypro_adapters.memory", "eggypro_adapters.postgres.product_rows"),
    ("adapters", "eggypro_adapters.files.html", "eggypro_adapters.memory"),
    ("adapters", "eggypro_adapters.local_images", "eggypro_adapters.pillow"),
    ("adapters", "eggypro_adapters.postgres.database", "eggypro_adapters.settings"),
    ("adapters", "eggypro_adapters.generated_secrets", "eggypro_adapters.wiring"),
    ("adapters", "eggypro_adapters.background_loop", "eggypro_adapters.memory"),
    ("adapters", "eggypro_adapters.buffered_writer", "eggypro_adapters.monitoring.prometheus"),
    ("conformance", "eggypro_adapters.wiring.shop", "eggypro_adapters.contracts"),
    ("conformance", "eggypro_cli.main", "eggypro_adapters.contracts.token_signer"),
]
IMPORT_ALL = """
import eggypro_core
print(*(getattr(eggypro_core, name).__name__ for name in eggypro_core.__all__))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, to be changed."""
    return Path(
        shutil.copytree(SRC, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of a Python that has the core and attrs only."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False, symlinks=True)
    [packages] = home.glob("lib/python*/site-packages")
    for package in (attr, attrs, eggypro_core):
        folder = Path(str(package.__file__)).parent
        shutil.copytree(folder, packages / folder.name)
    return packages


def lint(sources: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(TOOL), "--config", str(CONFIG), "--no-cache", "--no-logo", *options]
    return subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)


def run_bare(packages: Path, code: str) -> subprocess.CompletedProcess[str]:
    python = packages.parents[2] / "bin" / "python"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)


def foreign_imports(package: Path) -> set[str]:
    """Return the imports of a package except itself, attrs and the standard library."""
    allowed = sys.stdlib_module_names | {"attrs", package.name}
    files = package.rglob("*.py")
    return {name for file in files for name in _imported_names(file)} - allowed


def _imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def is_reported(violation: tuple[str, str], contract: str, report: str) -> bool:
    """Whether a report of import-linter names a violation; of a cycle it names the package."""
    importer, imported = violation
    if contract == "acyclic":
        return f"No cycles are allowed in {importer.rpartition('.')[0]}." in report
    return f"{importer} -> {imported}" in report


def test_the_sources_keep_all_contracts() -> None:
    result = lint(SRC)
    assert result.returncode == 0, result.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in result.stdout


@pytest.mark.parametrize("contract", [contract["id"] for contract in CONTRACTS])
def test_forbidden_imports_are_reported(copy: Path, contract: str) -> None:
    violations = [
        (importer, imported) for name, importer, imported in VIOLATIONS if name == contract
    ]
    for importer, imported in violations:
        with copy.joinpath(*importer.split(".")).with_suffix(".py").open("a") as module:
            module.write(f"\nimport {imported}\n")
    result = lint(copy, "--contract", contract)
    assert result.returncode == 1
    assert "0 kept, 1 broken" in result.stdout
    report = " ".join(result.stdout.split())
    assert [
        violation for violation in violations if not is_reported(violation, contract, report)
    ] == []


def test_every_contract_has_a_violation_test() -> None:
    assert {contract["id"] for contract in CONTRACTS} == {contract for contract, _, _ in VIOLATIONS}


def test_the_core_imports_attrs_and_the_standard_library_only() -> None:
    assert foreign_imports(SRC / "eggypro_core") == set()


def test_the_memory_adapters_need_no_more_than_the_core() -> None:
    memory = SRC / "eggypro_adapters" / "memory"
    assert foreign_imports(memory) == {"eggypro_adapters", "eggypro_core"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import sqlalchemy.exc", "sqlalchemy"),
        ("from eggypro_adapters import memory", "eggypro_adapters"),
        ("def late():\n    import orjson", "orjson"),
        ("from . import errors", ""),
    ],
)
def test_other_imports_of_the_core_are_reported(copy: Path, line: str, name: str) -> None:
    core = copy / "eggypro_core"
    (core / "violation.py").write_text(line)
    assert foreign_imports(core) == {name}


def test_the_core_works_with_attrs_only(bare: Path) -> None:
    result = run_bare(bare, IMPORT_ALL)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split() == eggypro_core.__all__


def test_the_bare_environment_has_no_other_packages(bare: Path) -> None:
    for name in ("sqlalchemy", "falcon", "eggypro_adapters"):
        result = run_bare(bare, f"import eggypro_core, {name}")
        assert f"No module named '{name}'" in result.stderr


def test_public_names_are_sorted_and_unique() -> None:
    assert eggypro_core.__all__ == sorted(set(eggypro_core.__all__))
