from collections.abc import Iterable

import pytest

from eggypro_http.server.transfer_limits import TransferDeadline, TransferLimits

LIMITS = TransferLimits()
WINDOW_BYTES = 30 * 32 * 1024


def deadline_after(transfers: Iterable[tuple[float, int]]) -> float:
    """Return the deadline of a transfer that starts at 100, after (seconds, bytes) in turn."""
    deadline, total = TransferDeadline(LIMITS, 100, 5), 5
    for seconds, count in transfers:
        assert 100 + seconds <= deadline.seconds()
        total += count
        deadline.advance(100 + seconds, total)
    return deadline.seconds()


@pytest.mark.parametrize(
    ("transfers", "seconds"),
    [
        ([], 30),
        ([(29, 1)], 30),
        ([(20, WINDOW_BYTES - 1)], 30),
        ([(20, WINDOW_BYTES)], 50),
        ([(0.5, 100 * WINDOW_BYTES)], 30.5),
        ([(10, WINDOW_BYTES // 2), (25, WINDOW_BYTES // 2)], 40),
        ([(10, WINDOW_BYTES // 2), (25, WINDOW_BYTES // 2), (39, WINDOW_BYTES // 2)], 55),
        ([(second, 33 * 1024) for second in range(1, 600)], 600),
        ([(second, WINDOW_BYTES) for second in range(1, 899)], 900),
    ],
)
def test_deadline(transfers: list[tuple[float, int]], seconds: float) -> None:
    assert deadline_after(transfers) == pytest.approx(
        100 + seconds, abs=31 if len(transfers) > 9 else 0
    )
