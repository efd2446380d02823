"""Every public name and port of the core has a docstring."""

import inspect
from collections.abc import Iterator

import pytest

import eggypro_core
from eggypro_core import ports

PORTS = [getattr(ports, name) for name in ports.__all__]
PUBLIC = [*(getattr(eggypro_core, name) for name in eggypro_core.__all__), *PORTS]


def missing_docstrings(obj: type) -> Iterator[str]:
    """Yield the names of the class and its own public methods that lack a docstring."""
    if not _has_docstring(obj):
        yield obj.__name__
    for name, member in vars(obj).items():
        if _is_method(member) and not name.startswith("_") and not _has_docstring(member):
            yield f"{obj.__name__}.{name}"


def _is_method(member: object) -> bool:
    return inspect.isroutine(member) or isinstance(member, property)


def _has_docstring(obj: object) -> bool:
    return (obj.__doc__ or "").strip().endswith(".")


class PartlyDocumented:
    """A documented class."""

    def documented(self) -> None:
        """A documented method."""

    def undocumented(self) -> None: ...

    @property
    def empty(self) -> str:
        """"""
        return ""


def test_ports_and_services_are_public() -> None:
    assert {eggypro_core.ProductService, ports.ProductStore, ports.ImageStore} <= set(PUBLIC)


@pytest.mark.parametrize("obj", PUBLIC, ids=lambda obj: obj.__name__)
def test_public_names_have_docstrings(obj: type) -> None:
    assert list(missing_docstrings(obj)) == []


def test_missing_docstrings_are_reported() -> None:
    assert list(missing_docstrings(PartlyDocumented)) == [
        "PartlyDocumented.undocumented",
        "PartlyDocumented.empty",
    ]
    assert list(missing_docstrings(type("Nothing", (), {}))) == ["Nothing"]
