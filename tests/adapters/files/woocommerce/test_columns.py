# ruff: noqa: RUF001 - these are words of many languages
from decimal import Decimal

import pytest

from eggypro_adapters.files.woocommerce import headers
from eggypro_adapters.files.woocommerce.columns import parse_header
from eggypro_adapters.files.woocommerce.detection import matches_header

GERMAN = (
    "ID|Typ|Artikelnummer|GTIN, UPC, EAN oder ISBN|Name|Veröffentlicht|Ist hervorgehoben?|"
    "Sichtbarkeit im Katalog|Kurzbeschreibung|Beschreibung|Datum, an dem Angebotspreis beginnt|"
    "Datum, an dem Angebotspreis endet|Steuerstatus|Steuerklasse|Vorrätig?|Bestand|"
    "Geringe Lagermenge|Lieferrückstande erlaubt?|Nur einzeln verkaufen?|Gewicht (kg)|Länge (cm)|"
    "Breite (cm)|Höhe (cm)|Kundenrezensionen erlauben?|Hinweis zum Kauf|Angebotspreis|"
    "Regulärer Preis|Kategorien|Schlagwörter|Versandklasse|Bilder|Downloadlimit|"
    "Ablauftage des Downloads|Übergeordnetes Produkt|Gruppierte Produkte|Zusatzverkäufe|"
    "Cross-Sells (Querverkäufe)|Externe URL|Button-Text|Position|Marken|Attribut 1 Name|"
    "Attribut 1 Wert(e)|Attribut 1 Sichtbar|Attribut 1 Global|Meta: origin"
)
FRENCH = (
    "ID|Type|UGS|GTIN, UPC, EAN ou ISBN|Nom|Publié|Mis en avant\u00a0?|"
    "Visibilité dans le catalogue|Description courte|Description|Date de début de promo|"
    "Date de fin de promo|État de la TVA|Classe de TVA|En stock\u00a0?|Stock|"
    "Montant de stock faible|Autoriser les commandes de produits en rupture\u00a0?|"
    "Vendre individuellement\u00a0?|Poids (kg)|Longueur (cm)|Largeur (cm)|Hauteur (cm)|"
    "Autoriser les avis clients\u00a0?|Note de commande|Tarif promo|Tarif régulier|Catégories|"
    "Étiquettes|Classe d’expédition|Images|Limite de téléchargement|"
    "Jours d’expiration du téléchargement|Parent|Groupes de produits|Produits suggérés|"
    "Ventes croisées|URL externe|Libellé du bouton|Position|Marques|Nom de l’attribut 1|"
    "Valeur(s) de l’attribut 1 |Attribut 1 visible|Attribut 1 global|Méta\u00a0: origin"
)
FINNISH = (
    "ID|Laji|Tuotetunnus (SKU)|GTIN|Nimi|Julkaistu|On esittelyssä?|Näkyvyys tuoteluettelossa|"
    "Lyhyt kuvaus|Kuvaus|Alennuksen aloituspäivä|Alennuksen päättymispäivä|Veron tila|Veroluokka|"
    "Varasto?|Varasto|Vähäisen varaston määrä|Salli jälkitoimitukset?|Myydäänkö yksittäin?|"
    "Paino (kg)|Pituus (cm)|Leveys (cm)|Korkeus (cm)|Salli asiakkaiden tuotearviot|"
    "Ostotiedote|Alennettu hinta|Normaali hinta|Osastot|Avainsanat|Toimitusluokka|Kuvat|"
    "Latausraja|Latauksen vanhenemisaika päivissä|Ylempi taso|Ryhmitellyt tuotteet|"
    "Lisämyynti|Ristiinmyynti|Ulkoinen URL|Painikkeen teksti|Paikka|Brands|Ominaisuus 1 nimi|"
    "Ominaisuus 1 arvo(t)|Ominaisuus 1 näkyy|Ominaisuus 1 kaikkialla käytetty|Metatieto: origin"
)
CHINESE = (
    "ID|类型|SKU|GTIN|名称|已发布|是推荐产品？|在列表页可见|简短描述|描述|促销开始日期|促销截止日期|"
    "税状态|税类|有货？|"
    "库存|库存不足|允许缺货下单？|单独出售？|重量(kg)|长度(cm)|"
    "宽度 (cm)|高度 (cm)|允许客户评价？|购物备注|"
    "促销价格|常规售价|分类|标签|运费类|图片|下载限制|下载的过期天数|父级|分组产品|交叉销售|"
    "交叉销售|外部链接|按钮文本|"
    "位置|Brands|属性 1 名称|属性 1 值|属性 1 可见|属性 1 的全局|元数据：origin"
)
NAMES = [
    *"id type sku gtin name published visibility short description sale_starts sale_ends".split(),
    *"in_stock stock backorders Weight Length Width Height sale_price price categories".split(),
    *"tags images parent position brands".split(),
    *("attribute 1 name", "attribute 1 values", "meta:origin"),
]


@pytest.mark.parametrize("header", [GERMAN, FRENCH, FINNISH, CHINESE])
def test_header_of_a_translated_site(header: str) -> None:
    columns = parse_header(header.split("|"))
    assert columns is not None
    assert columns.names == NAMES
    assert columns.sizes == {"Length": "cm", "Width": "cm", "Height": "cm"}
    assert columns.grams == 1000
    assert matches_header(header.split("|"))
    assert columns.fields["stock_quantity"] == header.split("|")[15]


def test_every_wording_is_recognised_and_means_one_thing() -> None:
    for role, texts in headers.COLUMNS.items():
        for wording in texts.split("|"):
            columns = parse_header(["Name", "ID", "SKU", wording])
            assert columns is not None
            names = {"name", "id", "sku", role}
            unused = {text for _, text, _ in columns.unused}
            assert set(columns.names) == names or wording in unused, wording
    for name, texts in headers.SIZES.items():
        for wording in texts.split("|"):
            columns = parse_header(["Name", f"{wording} (g)"])
            assert columns is not None
            assert columns.names == ["name", name]
    for prefix in headers.META.split("|"):
        columns = parse_header(["Name", f"{prefix}: origin"])
        assert columns is not None
        assert columns.metas == [("meta:origin", "origin")]


def test_attributes_in_every_language() -> None:
    names = headers.ATTRIBUTES["name"].split("|")
    for wording in headers.ATTRIBUTES["values"].split("|"):
        columns = parse_header(["Name", "Attribute 3 name", f"3 {wording}"])
        assert columns is not None
        assert columns.attributes == [("attribute 3 name", "attribute 3 values")], wording
    for wording in names:
        columns = parse_header(["Name", f"{wording} 12", "Attribute 12 value(s)"])
        assert columns is not None
        assert columns.attributes == [("attribute 12 name", "attribute 12 values")], wording


@pytest.mark.parametrize(
    "header",
    [
        "Type,SKU,Name,Regular price,Tags",
        "Name,Regular price",
        "ID,Type,SKU,Name,Stock",
        "SKU,Regular price,Published",
        "Nome,Preço,Publicado",
        "SKU,Name,Published,Is featured?,Visibility in catalog,Price",
    ],
)
def test_partial_headers_are_recognised(header: str) -> None:
    assert matches_header(header.split(","))


@pytest.mark.parametrize(
    "header",
    [
        "name,slug,sku,description,details,price,compare_at_price,stock_quantity,tags,images",
        "Name,SKU,Price,Stock,Category,Image URL",
        "Name,Type,SKU,Cost price",
        "Product Name,Item Code,Selling Price,Qty,Category",
        "id,title,description,link,image_link,availability,price,brand,gtin",
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Variant SKU,Variant Price",
        "Nome,Preço",
        "id,name,sku,type,status,price,regular_price,sale_price,stock_quantity,main_image",
        "Name,Description",
        "Regular price",
    ],
)
def test_headers_of_other_tables_are_not(header: str) -> None:
    assert not matches_header(header.split(","))


@pytest.mark.parametrize(
    ("header", "grams"),
    [
        ("Weight (kg)", "1000"),
        ("Gewicht (g)", "1"),
        ("Poids (livres)", "453.59237"),
        ("Paino (kg (kilogramma))", "1000"),
        ("Вес (кг)", "1000"),
        ("重量(克)", "1"),
        ("Vikt (am. uns)", "28.349523125"),
        ("Weight (unit)", None),
        ("Weight", None),
    ],
)
def test_weights_have_grams_per_unit(header: str, grams: str | None) -> None:
    columns = parse_header(["Name", header])
    assert columns is not None
    assert columns.grams == (None if grams is None else Decimal(grams))
    assert ("Weight" in columns.names) == (grams is not None)


def test_first_of_two_columns_with_the_same_meaning_is_read() -> None:
    columns = parse_header(["Name", "Brands", "Brand"])
    assert columns is not None
    assert columns.headers["brands"] == "Brands"
    assert [text for _, text, _ in columns.unused] == ["Brand"]


def test_long_names_of_custom_fields_are_shortened() -> None:
    columns = parse_header(["Name", "Meta: " + "x" * 101])
    assert columns is not None
    assert [name for _, name in columns.metas] == ["x" * 100]
