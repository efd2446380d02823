"""Contract suites of the ports, as pytest classes that the tests of an adapter subclass.

No other module imports this package, because it needs pytest.
"""

from pathlib import Path

import pytest

# Makes failed assertions show the compared values, as in test modules.
pytest.register_assert_rewrite(
    *(f"{__name__}.{file.stem}" for file in Path(__file__).parent.glob("[a-z]*.py"))
)
