"""`eggypro` whose workers cache nothing themselves: repeated requests are answered by Redis."""

import sys

from eggypro_adapters.memory.cache import MemoryCache
from eggypro_cli.__main__ import run
from eggypro_core.caching.entries import CacheEntry


def _ignore(_cache: MemoryCache, _key: str, _entry: CacheEntry) -> None:
    """Cache nothing."""


if __name__ == "__main__":
    setattr(MemoryCache, "set", _ignore)  # noqa: B010
    sys.argv[0] = "eggypro"
    sys.exit(run())
