"""Servers of this project that the benchmarks start."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack

from bench.processes import Server, run_server
from bench.shop import BenchShop


def start_hello(stack: ExitStack, *, workers: int = 1) -> Server:
    """Start the bare Falcon app, until the stack closes."""
    return stack.enter_context(run_server([sys.executable, "-m", "bench.hello", str(workers)], {}))


def start_eggypro(
    stack: ExitStack,
    shop: BenchShop,
    settings: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
    module: str = "eggypro_cli",
) -> Server:
    """Start EggyPro on a shop, until the stack closes."""
    command = [sys.executable, "-m", module, "serve", "--workers", str(workers), "--port"]
    return stack.enter_context(run_server(command, {**shop.settings, **(settings or {})}))
