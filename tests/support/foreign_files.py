"""Hypothesis strategies for files of other shops with consistent and contradictory rows."""

import csv
import io
from collections.abc import Mapping

from hypothesis import strategies as st

HANDLES = ("egg", "Egg", "egg_1", "egg-1", "egg 1", "egg-2", "")
TITLES = ("Egg", "egg", "Egg & White", "Ham", "")
SKUS = ("E-1", "E-2", "e-1", "'001", "")
PRICES = ("5", "5.00", "7.999", "0", "")
STOCK = ("3", "-1", "0", "")
GTINS = ("4006381333931", "123", "")
TAGS = ("a, b", "a", "")
TABLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "shopify": {
        "Handle": HANDLES,
        "Title": TITLES,
        "Body (HTML)": ("<p>Good</p>", "<h1>Good</h1><iframe>", ""),
        "Vendor": ("Hen", ""),
        "Tags": TAGS,
        "Published": ("TRUE", "FALSE", ""),
        "Option1 Name": ("Size", "Title", "SIZE", ""),
        "Option1 Value": ("S", "M", "Default Title", ""),
        "Variant SKU": SKUS,
        "Variant Grams": ("500", "0.5", ""),
        "Variant Inventory Tracker": ("shopify", ""),
        "Variant Inventory Qty": STOCK,
        "Variant Price": PRICES,
        "Variant Compare At Price": PRICES,
        "Variant Barcode": GTINS,
        "Image Src": ("https://x.y/1.jpg", "https://x.y/2.jpg", ""),
        "Image Alt Text": ("A tin", ""),
        "Status": ("active", "draft", "archived", "unlisted", ""),
    },
    "woocommerce": {
        "ID": ("1", "2", "3", "4", ""),
        "Type": ("simple", "variable", "variation", "simple, virtual"),
        "SKU": SKUS,
        "Name": TITLES,
        "Published": ("1", "0", "-1"),
        "Visibility in catalog": ("visible", "hidden", "search"),
        "Short description": ("Good", ""),
        "In stock?": ("1", "0", ""),
        "Stock": STOCK,
        "Sale price": PRICES,
        "Regular price": PRICES,
        "Categories": ("Food > Bars, Food", "Food", ""),
        "Tags": TAGS,
        "Images": ("https://x.y/1.jpg, https://x.y/2.jpg", ""),
        "Parent": ("id:1", "id:2", "E-1", ""),
        "Attribute 1 name": ("Size", "Weight", ""),
        "Attribute 1 value(s)": ("S", "M", "S, M", ""),
        "GTIN, UPC, EAN, or ISBN": GTINS,
    },
    "google": {
        "id": ("e1", "e2", "E-1", "e3"),
        "title": TITLES,
        "description": ("Good", ""),
        "price": ("5 EUR", "7.999 EUR", "0 EUR", ""),
        "sale_price": ("4 EUR", "9 EUR", ""),
        "availability": ("in_stock", "out_of_stock", "backorder", ""),
        "brand": ("Hen", ""),
        "gtin": GTINS,
        "item_group_id": ("g1", "e1", ""),
        "color": ("Red", "red", ""),
        "size": ("S", "M", ""),
        "product_type": ("Food > Bars", "Food", ""),
        "image_link": ("https://x.y/1.jpg", ""),
    },
}


@st.composite
def files(draw: st.DrawFn, form: str) -> bytes:
    """Return a file with some of the columns, always including those of the keys."""
    columns = TABLES[form]
    left_out = draw(st.sets(st.sampled_from([*columns][4:]), max_size=4))
    cells = {name: st.sampled_from(texts) for name, texts in columns.items()}
    rows = draw(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=6))
    text = io.StringIO(newline="")
    names = [name for name in columns if name not in left_out]
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
