"""What every adapter of a port must do, as suites for pytest: an adapter's own tests subclass them.

Nothing else of the project imports this package, for it needs pytest.
"""

from pathlib import Path

import pytest

# So that a failure shows the values that were compared, as it does in anybody's own tests.
pytest.register_assert_rewrite(
    *(f"{__name__}.{file.stem}" for file in Path(__file__).parent.glob("[a-z]*.py"))
)
