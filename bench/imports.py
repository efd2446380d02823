"""Benchmark of imports into an empty shop, of the same file again, and of exports."""

from collections.abc import Iterator
from pathlib import Path

from bench.generate import jsonl
from bench.processes import run_command
from bench.shop import EGGYPRO


def measure(folder: Path, count: int) -> Iterator[str]:
    """Yield the lines of the report."""
    file, data = folder / "products.jsonl", folder / "imports"
    environment = {"EGGYPRO_DATA_DIR": str(data)}
    with file.open("w") as out:
        out.writelines(jsonl(count))
    run_command([EGGYPRO, "db", "upgrade"], environment)
    yield f"## {count:,} products, {file.stat().st_size / 2**20:.0f} MiB of JSONL"
    yield ""
    yield "| | rows/s | seconds | peak memory of the process, MiB |"
    yield "| --- | --- | --- | --- |"
    for name, command in {
        "import, new": ["import", str(file), "--json"],
        "import, the same again": ["import", str(file), "--json"],
        "export as JSONL": ["export", str(folder / "export.jsonl")],
        "export as CSV": ["export", str(folder / "export.csv")],
    }.items():
        run = run_command([EGGYPRO, "products", *command], environment)
        yield f"| {name} | {count / run.seconds:,.0f} | {run.seconds:.1f} | {run.peak_mib:.0f} |"
