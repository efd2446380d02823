import io
import json
from typing import Any

from eggypro_adapters.files import read_products
from eggypro_core.domain.product_files import ImportEntry

TEE = {
    "id": 1,
    "title": "Tee",
    "handle": "tee",
    "body_html": "<p>Soft</p>",
    "vendor": "Egg & Co",
    "product_type": "Shirts",
    "tags": ["soft", "new"],
    "published_at": "2024-05-01T10:00:00Z",
    "template_suffix": "wide",
    "variants": [
        {"id": 11, "title": "S", "option1": "S", "sku": "t-s", "price": "9.00", "grams": 150,
         "compare_at_price": "10.00", "available": True, "featured_image": None},
        {"id": 12, "title": "M", "option1": "M", "sku": "t-m", "price": "9.50", "grams": 160,
         "compare_at_price": None, "available": False,
         "featured_image": {"src": "https://e.com/2.jpg"}},
    ],
    "images": [
        {"id": 5, "src": "https://e.com/1.jpg", "position": 1},
        {"id": 6, "src": "https://e.com/2.jpg", "position": 2},
        {"id": 7, "src": "https://e.com/3.jpg", "position": 3},
    ],
    "options": [{"name": "Size", "position": 1, "values": ["S", "M"]}],
}  # fmt: skip
MUG = {
    "title": "Mug",
    "handle": "mug",
    "published_at": None,
    "variants": [{"option1": "Default Title", "sku": "m", "price": "5.00"}],
    "images": [],
    "options": [{"name": "Title"}],
}


def read(text: str) -> list[ImportEntry]:
    file = read_products(io.BytesIO(text.encode()))
    assert file.format == "shopify"
    return list(file.entries)


def test_products_are_read_as_from_a_csv_of_shopify() -> None:
    tee, mug, warnings = read(json.dumps({"products": [TEE, MUG]}))
    values: dict[str, Any] = dict(tee.values or {})
    assert (values["slug"], values["name"]) == ("tee", "Tee")
    assert (values["brand"], values["tags"]) == ("Egg & Co", ["soft", "new"])
    assert [image["ref"][-5] for image in values["images"]] == ["1", "2", "3"]
    assert [
        (item["options"], item["sku"], item["price"], item["compare_at_price"], item["image"])
        for item in values["variants"]
    ] == [
        ({"Size": "S"}, "t-s", "9.00", "10.00", None),
        ({"Size": "M"}, "t-m", "9.50", None, "https://e.com/2.jpg"),
    ]
    assert "stock_quantity" not in values["variants"][0]
    assert mug.values
    assert (mug.values["sku"], mug.values["price"]) == ("m", "5.00")
    assert mug.values["is_active"] is False
    assert [warning.column for warning in warnings.warnings] == ["template_suffix", "available"]


def test_an_object_per_line_is_read_too() -> None:
    entries = read(f"{json.dumps(MUG)}\n{json.dumps({**MUG, 'handle': 'cup'})}\n")
    assert [entry.values and entry.values["slug"] for entry in entries] == ["mug", "cup"]
    assert [entry.line for entry in entries] == [1, 2]


def test_invalid_object_does_not_affect_the_others() -> None:
    entries = read(f"{json.dumps(MUG)}\n{{]\n{json.dumps({**MUG, 'handle': 'cup'})}\n")
    assert sorted((entry.line, bool(entry.errors)) for entry in entries) == [
        (1, False), (2, True), (3, False),
    ]  # fmt: skip


def test_members_of_wrong_types_are_no_crash() -> None:
    product = {"handle": 7, "title": None, "variants": "x", "images": [1], "options": None}
    assert read(json.dumps([product]))
