"""Generated products for benchmarks, the same on each run."""

import json
import random
from collections.abc import Iterator

BRANDS = ("Nordvik Halden Brightwell Solara Kestrel Oakridge Juniper Marlow Tessel Arcadia").split()
KINDS = ("Organic Golden Fresh Whole Natural Creamy Crunchy Roasted Sweet Salted Classic").split()
THINGS = (
    "Powder Bites Crackers Pancakes Omelette Shake Bar Drink Noodles Bread Muffin Mix"
).split()
COMMON_WORDS = (
    "the a with and for of from our made every day simple clean ingredients sourced farms"
    " small batch cooked slowly crisp flavour texture rich source protein fibre vitamins"
    " breakfast lunch snack kids athletes kitchen recipe modern quality checked packed sealed"
    " box jar pouch store cool dry place serve warm cold add water milk stir minutes enjoy"
    " share love taste egg white"
).split()


def products(count: int) -> Iterator[dict[str, object]]:
    """Yield `count` products of about a kilobyte each; one in eight words is rare."""
    dice = random.Random(7)
    rare = [
        "".join(dice.choices("bdfgklmnprst", k=4) + dice.choices("aeiou", k=4))
        for _ in range(20_000)
    ]

    def words(count: int) -> str:
        return " ".join(
            dice.choice(rare if dice.random() < 0.12 else COMMON_WORDS) for _ in range(count)
        )

    for number in range(count):
        brand, kind, thing = dice.choice(BRANDS), dice.choice(KINDS), dice.choice(THINGS)
        name = f"{brand} {kind} {thing} {dice.choice(rare).title()}"
        yield {
            "name": name,
            "slug": f"{name.lower().replace(' ', '-')}-{number}",
            "sku": f"SKU-{number:07}",
            "description": words(28).capitalize() + ".",
            "details": f"<p>{words(70).capitalize()}.</p>",
            "price": f"{dice.randint(99, 9999) / 100:.2f}",
            "ingredients": [words(2) for _ in range(dice.randint(3, 9))],
            "attributes": {"Protein": f"{dice.randint(10, 90)} g", "Net weight": "500 g"},
            "stock_quantity": dice.randint(0, 500),
        }


def jsonl(count: int) -> Iterator[str]:
    """Return generated products as JSONL lines of the import format."""
    return (json.dumps(product) + "\n" for product in products(count))
