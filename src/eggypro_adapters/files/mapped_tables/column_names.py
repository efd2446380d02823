"""Guess which columns of an unknown table have the fields of a product, by their names."""

import re
from collections.abc import Mapping, Sequence

from eggypro_adapters.files.csv_table import column_key

_NAMES: Mapping[str, str] = {
    "name": (
        "name, product name, title, product title, product, item name, article name, item, model, "
        "Produktname, Artikelname, Bezeichnung, Artikelbezeichnung, Produktbezeichnung, Titel, "
        "Produkt, Artikel, nom, nom du produit, titre, désignation, libellé, produit, nombre, "
        "nombre del producto, título, producto, nome, nome prodotto, titolo, prodotto, nome do "
        "produto, produto, naam, productnaam, nazwa, nazwa produktu, название, наименование, "
        "товар, namn, produktnamn, navn, produktnavn, tuote, nimi"
    ),
    "slug": "slug, handle, url handle, url key, permalink, product handle",
    "sku": (
        "sku, item code, product code, item number, item no, article number, article no, article, "
        "part number, product number, code, style number, reference, ref, model number, "
        "Artikelnummer, Artikel-Nr, Artikelnr, Art.-Nr., Artnr, Bestellnummer, Produktnummer, "
        "référence, code article, código, referencia, codice, codice articolo, riferimento, "
        "artikelcode, kod, kod produktu, symbol, артикул, код, art nr, varenummer, tuotekoodi"
    ),
    "gtin": (
        "gtin, ean, ean13, ean code, upc, barcode, bar code, isbn, gtin13, Strichcode, EAN-Code, "
        "code-barres, code barre, código de barras, codice a barre, streepjescode, kod kreskowy, "
        "штрихкод, streckkod, strekkode"
    ),
    "brand": (
        "brand, brand name, manufacturer, vendor, make, Marke, Hersteller, marque, fabricant, "
        "marca, fabricante, produttore, merk, fabrikant, marka, producent, бренд, производитель, "
        "varumärke, tillverkare, mærke, merke"
    ),
    "price": (
        "price, selling price, sale price, retail price, unit price, list price, rrp, msrp, "
        "regular price, price incl vat, gross price, net price, Preis, Verkaufspreis, VK, "
        "VK-Preis, VK brutto, Bruttopreis, Einzelpreis, Stückpreis, prix, prix de vente, prix ttc, "
        "prix unitaire, precio, precio de venta, pvp, prezzo, prezzo di vendita, preço, preço de "
        "venda, prijs, verkoopprijs, cena, cena brutto, цена, pris, försäljningspris, hinta, amount"
    ),
    "compare_at_price": (
        "compare at price, compare-at price, original price, old price, was price, strike price, "
        "UVP, Streichpreis, alter Preis, prix barré, ancien prix, precio anterior, prezzo barrato, "
        "adviesprijs, van prijs, stara cena, старая цена"
    ),
    "stock_quantity": (
        "stock quantity, stock, qty, quantity, inventory, in stock, stock level, on hand, "
        "available, quantity on hand, Bestand, Lagerbestand, Menge, Lager, Anzahl, Stück, "
        "quantité, stock disponible, existencias, cantidad, inventario, quantità, giacenza, "
        "disponibilità, quantidade, estoque, voorraad, aantal, stan, ilość, stan magazynowy, "
        "остаток, количество, lagersaldo, antal, antall, beholdning"
    ),
    "categories": (
        "categories, category, category path, product category, product type, department, group, "
        "collection, Kategorie, Kategorien, Warengruppe, Produktgruppe, catégorie, catégories, "
        "rayon, categoría, categorías, categoria, categorie, reparto, kategoria, категория, "
        "раздел, kategori"
    ),
    "images": (
        "images, image, image url, image urls, image link, picture, picture url, photo, photos, "
        "main image, image src, Bild, Bilder, Bild-URL, Bildlink, Foto, image principale, photo "
        "url, imagen, imágenes, url imagen, immagine, immagini, imagem, imagens, afbeelding, "
        "afbeeldingen, zdjęcie, zdjęcia, фото, изображение, картинка, bild url, billede, bilde"
    ),
    "description": (
        "description, product description, short description, long description, body, text, "
        "Beschreibung, Produktbeschreibung, Kurzbeschreibung, Artikelbeschreibung, Langtext, "
        "description du produit, descripción, descripción del producto, descrizione, descrição, "
        "omschrijving, beschrijving, productomschrijving, opis, opis produktu, описание, "
        "beskrivning, beskrivelse, kuvaus"
    ),
    "weight_grams": (
        "weight grams, weight, weight g, weight kg, grams, Gewicht, poids, peso, waga, вес, vikt, "
        "vekt, vægt, gewicht"
    ),
    "tags": (
        "tags, tag, keywords, labels, Schlagwörter, Stichwörter, Schlagworte, mots-clés, "
        "étiquettes, etiquetas, palabras clave, etichette, trefwoorden, tagi, słowa kluczowe, "
        "теги, метки"
    ),
    "ingredients": (
        "ingredients, Zutaten, Inhaltsstoffe, ingrédients, ingredientes, ingredienti, "
        "ingrediënten, składniki, состав"
    ),
    "seo_title": "seo title, meta title, page title",
    "seo_description": "seo description, meta description",
}
_PARTS = {
    "name": ("name", "title", "bezeichnung"),
    "price": ("price", "preis", "prix", "precio", "prezzo", "prijs", "cena"),
}
"""Parts of names, for the columns without a known name."""
_UNIT = re.compile(r"\s*[(\[].*|\s+in\s+\S+$", re.DOTALL)
_SIMPLE_WORD = re.compile(r"[\w.-]+")
_SPECIAL_SIGN = re.compile(r'(["\\$`!])')


def known_columns(header: Sequence[str]) -> dict[str, str]:
    """Return the columns whose names are usual for a field, by field."""
    columns = {column_key(_UNIT.sub("", name)): name for name in reversed(header)}
    columns |= {column_key(name): name for name in reversed(header)}
    columns.pop("", None)
    found: dict[str, str] = {}
    for field, keys in _KEYS.items():
        name = next((columns[key] for key in keys if key in columns), None)
        if name is not None and name not in found.values():
            found[field] = name
    return found


def suggest_options(header: Sequence[str]) -> str:
    """Return the `--map` options that probably fit a table."""
    columns = known_columns(header)
    for field, parts in _PARTS.items():
        names = (
            name
            for name in header
            if name not in columns.values() and any(part in column_key(name) for part in parts)
        )
        if field not in columns and (name := next(names, None)):
            columns[field] = name
    if "name" not in columns and "description" in columns:
        columns["name"] = columns.pop("description")
    columns = {"name": "COLUMN", "price": "COLUMN"} | columns
    return " ".join(
        f"--map {field}={_quote(columns[field])}" for field in _NAMES if field in columns
    )


def _quote(name: str) -> str:
    if _SIMPLE_WORD.fullmatch(name):
        return name
    escaped = _SPECIAL_SIGN.sub(r"\\\1", " ".join(name.split()))
    return f'"{escaped}"'


_KEYS: Mapping[str, Sequence[str]] = {
    field: [column_key(name) for name in names.split(",")] for field, names in _NAMES.items()
}
