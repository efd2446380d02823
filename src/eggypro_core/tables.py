"""The tables of a database, as an operator looks at them."""

from attrs import frozen


@frozen
class TableSize:
    """A table: how many rows it has, about, and its bytes with all its indexes."""

    name: str
    rows: int
    bytes: int
