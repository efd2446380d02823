"""What the core shows: each public name, and each port, says what it is."""

import inspect
from collections.abc import Iterator

import pytest

import eggypro_core
from eggypro_core import ports

PORTS = [getattr(ports, name) for name in ports.__all__]
PUBLIC = [*(getattr(eggypro_core, name) for name in eggypro_core.__all__), *PORTS]


def missing_docstrings(thing: type) -> Iterator[str]:
    """Yield the name of the class and those of its own public methods that say nothing of it."""
    if not _says(thing):
        yield thing.__name__
    for name, member in vars(thing).items():
        if _is_method(member) and not name.startswith("_") and not _says(member):
            yield f"{thing.__name__}.{name}"


def _is_method(member: object) -> bool:
    return inspect.isroutine(member) or isinstance(member, property)


def _says(thing: object) -> bool:
    return (thing.__doc__ or "").strip().endswith(".")


class Undescribed:
    """It says something itself."""

    def says(self) -> None:
        """Say something."""

    def silent(self) -> None: ...

    @property
    def empty(self) -> str:
        """"""
        return ""


def test_ports_and_services_are_among_what_is_public() -> None:
    assert {eggypro_core.ProductService, ports.ProductStore, ports.ImageStore} <= set(PUBLIC)


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: thing.__name__)
def test_what_is_public_says_what_it_is(thing: type) -> None:
    assert list(missing_docstrings(thing)) == []


def test_what_says_nothing_is_found() -> None:
    assert list(missing_docstrings(Undescribed)) == ["Undescribed.silent", "Undescribed.empty"]
    assert list(missing_docstrings(type("Nothing", (), {}))) == ["Nothing"]
