"""Tables of events for people."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from eggypro_core.domain.event import Event, shown_change

_PADDING = (0, 2, 0, 0)
_MAX_VALUE_LENGTH = 40


def event_table(events: Iterable[Event]) -> Table:
    """Render events, a line for each, with every changed field on a line of its own."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("actor", overflow="fold")
    table.add_column("event", overflow="fold")
    table.add_column("subject", overflow="fold")
    table.add_column("changes", overflow="fold")
    for event in events:
        table.add_row(
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            event.origin.actor,
            event.type.value,
            event.subject.slug or event.subject.name,
            "\n".join(change_lines(event)),
        )
    return table


def change_lines(event: Event) -> list[str]:
    """Return a line for each changed field, and one with the reason and reference."""
    changes = (event.changes or {}).items()
    lines = [change_text(name, shown_change(change)) for name, change in changes]
    if notes := ", ".join(filter(None, [event.origin.reason, event.origin.reference])):
        lines.append(f"({notes})")
    return lines


def change_text(name: str, values: Iterable[Any]) -> str:
    """Return a changed field with its values: `price: 9.00 -> 8.00`."""
    return f"{name}: {' -> '.join(map(_value_text, values))}"


def _value_text(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, dict):
        return f"{value['start'][:_MAX_VALUE_LENGTH]}… ({value['length']:,})"
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 1]}…"
