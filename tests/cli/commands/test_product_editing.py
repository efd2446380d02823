"""`eggypro products create`, `update`, `archive`, `restore` and `delete`."""

import io
import sys
from pathlib import Path

import orjson
import pytest
from rich.cells import cell_len

from eggypro_cli.commands.product_options import (
    MAX_JSON_BYTES,
    NEW_PRODUCT,
    NEW_VARIANT,
    PRODUCT_EDIT,
    VARIANT_EDIT,
    Clearable,
    ClearableOfVariant,
)
from eggypro_core import Product, Status
from eggypro_core.domain.image import no_image_url
from eggypro_core.domain.product import ProductDraft
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.variant import VARIANT_FIELDS
from eggypro_core.serializers import product_body
from tests.support.builders import product_values
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

OPTIONS = {
    "--name": "Egg Ω",
    "--description": "Pure",
    "--details": "<p>Five</p>",
    "--ingredient": "egg",
    "--price": "24.99",
}
NEEDED = [word for pair in OPTIONS.items() for word in pair]


@pytest.fixture(autouse=True)
def _albumen(world: MemoryRuntime) -> None:
    texts = {"attributes": {"Fat": "1 g", "Salt": "0"}, "seo_title": "A title", "sku": "AL-1"}
    world.shop.products.create(product_values(name="Albumen", price="9.50") | texts)


def test_options_and_fields_have_the_same_names() -> None:
    fields = {definition.name for definition in PRODUCT_FIELDS}
    assert NEW_PRODUCT.keys() == fields | {"categories"}
    assert PRODUCT_EDIT.keys() == fields - {"images"} | {"no_attributes"}
    assert NEW_VARIANT.keys() == {definition.name for definition in VARIANT_FIELDS}
    assert VARIANT_EDIT.keys() == NEW_VARIANT.keys() | {"no_options"}


def test_every_field_that_may_be_null_can_be_cleared() -> None:
    nullable = {definition.name for definition in PRODUCT_FIELDS if definition.nullable}
    assert set(Clearable) == nullable | {"attributes"}
    assert set(ClearableOfVariant) == {
        definition.name for definition in VARIANT_FIELDS if definition.nullable
    }


def kept(world: MemoryRuntime, slug: str = "albumen") -> Product:
    return world.shop.products.get(slug, Status.ALL)


def on_stdin(monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def fields_of(answer: CommandResult) -> list[str]:
    assert answer.out == ""
    return [fault["field"] for fault in orjson.loads(answer.err)["errors"]]


def test_a_product_is_created_of_options_and_shown_as_it_is_shown_later(typed: RunCommand) -> None:
    answer = typed("products", "create", *NEEDED)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == typed("products", "show", "egg-o").out
    assert "24.99 EUR" in answer.out


def test_the_json_of_a_new_product_is_the_body_of_http(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    answer = typed("products", "create", *NEEDED, "--json")
    assert (
        answer.out
        == orjson.dumps(product_body(kept(world, "egg-o"), "EUR", no_image_url)).decode() + "\n"
    )
    assert answer.err == ""


def test_every_field_has_an_option(typed: RunCommand, world: MemoryRuntime) -> None:
    more = [
        *("--slug", "egg", "--sku", "E-1", "--compare-at-price", "30", "--ingredient", "salt"),
        *(
            "--attribute",
            "Fat=1 g",
            "--attribute",
            "Sum=1+1=2",
            "--image",
            "https://x.example/a.jpg",
        ),
        *("--image", "https://x.example/b.jpg", "--seo-title", "T", "--seo-description", "D"),
        *("--stock", "40", "--no-track-stock", "--archived"),
        *("--category", "food", "--category", "bars"),
    ]
    for name in ("Food", "Bars"):
        world.shop.categories.create({"name": name})
    assert typed("products", "create", *NEEDED, *more).code == 0
    body = product_body(kept(world, "egg"), "EUR", no_image_url)
    fields = ProductDraft.__annotations__.keys() - {"variants"}  # those come by `variants create`
    assert {name: body[name] for name in body if name in fields} == {
        "name": "Egg Ω",
        "slug": "egg",
        "sku": "E-1",
        "description": "Pure",
        "details": "<p>Five</p>",
        "price": "24.99",
        "compare_at_price": "30.00",
        "ingredients": ("egg", "salt"),
        "attributes": {"Fat": "1 g", "Sum": "1+1=2"},
        "images": ["https://x.example/a.jpg", "https://x.example/b.jpg"],
        "seo_title": "T",
        "seo_description": "D",
        "stock_quantity": 40,
        "track_stock": False,
        "is_active": False,
        "categories": [{"slug": "bars", "name": "Bars"}, {"slug": "food", "name": "Food"}],
    }


def test_all_that_is_missing_or_wrong_is_named_at_once(typed: RunCommand) -> None:
    wrong = ["--price", "1,5", "--stock", "many", "--slug", "A b", "--compare-at-price", "-1"]
    answer = typed("products", "create", *wrong, "--ingredient", "egg", "--json")
    assert answer.code == 1
    assert sorted(fields_of(answer)) == [
        *("compare_at_price", "description", "details", "name"),
        *("price", "slug", "stock_quantity"),
    ]


@pytest.mark.parametrize("number", ["-1", "2147483648", "9" * 30, "9" * 5000, "1.5", "\udcff"])
def test_a_stock_that_nobody_can_count_is_a_fault_of_its_field(
    typed: RunCommand, number: str
) -> None:
    answer = typed("products", "create", *NEEDED, "--stock-quantity", number, "--json")
    assert answer.code == 1
    assert fields_of(answer) == ["stock_quantity"]


def test_a_file_gives_the_fields_and_options_override_them(
    typed: RunCommand, world: MemoryRuntime, tmp_path: Path
) -> None:
    attributes = {"attributes": {"Fat": "1 g", "Salt": "0"}, "slug": "of-a-file"}
    file = tmp_path / "product.json"
    file.write_bytes(b"\xef\xbb\xbf" + orjson.dumps(product_values() | attributes))
    overriding = ["--price", "5", "--attribute", "Fat=2 g", "--ingredient", "egg"]
    assert typed("products", "create", "--from", str(file), *overriding).code == 0
    product = kept(world, "of-a-file")
    assert (str(product.price), product.ingredients) == ("5.00", ("egg",))
    assert product.attributes == {"Fat": "2 g", "Salt": "0"}
    assert product.description == product_values()["description"]


def test_a_number_of_a_file_is_taken_exactly(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_stdin(monkeypatch, '{"price": 0.29}')
    assert typed("products", "update", "albumen", "--from", "-").code == 0
    assert str(kept(world).price) == "0.29"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"price": 1, "price": 2}', "The JSON names 'price' twice"),
        ('{"price": NaN}', "NaN is not a number"),
        ("", "This is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "must contain one JSON object"),
        (b"\xff{}", "is not UTF-8 (byte 1)"),
        (b" " * (MAX_JSON_BYTES + 1), f"at most {MAX_JSON_BYTES} bytes"),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("words", [["create"], ["update", "albumen"]])
def test_a_file_that_is_no_json_object_is_one_sentence(
    typed: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    content: str | bytes,
    sentence: str,
) -> None:
    on_stdin(monkeypatch, content)
    answer = typed("products", *words, "--from", "-")
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 1
    assert sentence in answer.err


def test_a_slug_that_is_taken_is_refused(typed: RunCommand) -> None:
    answer = typed("products", "create", *NEEDED, "--slug", "albumen")
    assert answer.code == 1
    assert answer.err == "The slug 'albumen' belongs to another product; choose another.\n"


def test_an_update_changes_what_is_given_and_nothing_else(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    before = product_body(kept(world), "EUR", no_image_url)
    answer = typed("products", "update", "albumen", "--price", "8", "--no-track-stock", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert orjson.loads(answer.out) == orjson.loads(
        orjson.dumps(before | {"price": "8.00", "track_stock": False})
    )


def test_single_attributes_are_set_and_taken_away(typed: RunCommand, world: MemoryRuntime) -> None:
    edits = ["--attribute", "Fat=2 g", "--attribute", "Sugar=", "--no-attribute", "Salt"]
    assert "Attribute is required" in typed("products", "update", "albumen", *edits).err
    edits[3] = "Sugar=0 g"
    assert typed("products", "update", "albumen", *edits).code == 0
    assert kept(world).attributes == {"Fat": "2 g", "Sugar": "0 g"}


def test_fields_are_cleared(typed: RunCommand, world: MemoryRuntime) -> None:
    typed("products", "update", "albumen", "--compare-at-price", "10", "--seo-description", "D")
    names = ("sku", "compare_at_price", "seo_title", "seo_description", "attributes")
    words = [word for name in names for word in ("--clear", name)]
    assert typed("products", "update", "albumen", *words).code == 0
    product = kept(world)
    assert [getattr(product, name) for name in names] == [None, None, None, None, {}]


def test_a_new_slug_renames_and_the_old_one_is_refused_by_name(typed: RunCommand) -> None:
    assert typed("products", "update", "albumen", "--slug", "egg-white").code == 0
    for words in (
        ["products", "update", "albumen", "--price", "1"],
        ["products", "archive", "albumen"],
        ["products", "restore", "albumen"],
        ["products", "delete", "albumen", "--yes"],
        ["stock", "set", "albumen", "1"],
        ["stock", "adjust", "albumen", "--by", "1"],
    ):
        answer = typed(*words)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == "The product is now at 'egg-white'; use that slug.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Nothing to update"),
        (["--attribute", "Fat"], "--attribute must be NAME=VALUE, not 'Fat'"),
        (["--attribute", "A=1", "--no-attribute", "A"], "'A' appears twice"),
        (["--clear", "sku", "--sku", "X"], "--clear sku cannot be combined"),
        (["--clear", "attributes", "--attribute", "A=1"], "Cannot clear and set attributes"),
        (["--clear", "name"], "'name' is not one of"),
        (["--version", "abc"], "a whole number"),
        (["--version", "9" * 5000], "a whole number"),
        (["--image", "https://x.example/a.jpg"], "--image"),
        (["--from", "/none/such"], "/none/such"),
    ],
)
def test_wrong_usage_of_an_update_exits_with_2(
    typed: RunCommand, words: list[str], sentence: str
) -> None:
    answer = typed("products", "update", "albumen", *words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert sentence in answer.err
    assert answer.err.endswith("; see `eggypro products update --help`.\n")


def test_an_empty_patch_of_a_file_changes_nothing(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_stdin(monkeypatch, "{}")
    assert typed("products", "update", "albumen", "--from", "-").code == 0
    assert kept(world).version == 1


@pytest.mark.parametrize(
    "words", [["update", "--price", "1"], ["archive"], ["restore"], ["delete", "--yes"]]
)
def test_a_write_at_another_version_is_refused_and_changes_nothing(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    before = kept(world)
    answer = typed("products", *words, "albumen", "--version", "7")
    assert (answer.code, answer.out) == (1, "")
    assert "it is at version 1, not 7" in answer.err
    assert kept(world) == before


def test_the_version_that_is_shown_is_the_one_that_a_write_takes(typed: RunCommand) -> None:
    shown = typed("products", "show", "albumen").out.splitlines()[-1].split()
    assert shown == ["version", "1"]
    assert typed("products", "update", "albumen", "--price", "1", "--version", shown[1]).code == 0


def test_a_product_is_archived_and_restored(typed: RunCommand, world: MemoryRuntime) -> None:
    archived = typed("products", "archive", "albumen")
    assert archived.code == 0
    assert "archived" in archived.out
    assert not kept(world).is_active
    restored = typed("products", "restore", "albumen", "--json")
    assert orjson.loads(restored.out)["is_active"] is True
    assert kept(world).is_active


def test_a_product_is_deleted_for_good(typed: RunCommand) -> None:
    answer = typed("products", "delete", "albumen", "--yes")
    assert (answer.code, answer.out, answer.err) == (0, "Deleted 'albumen'.\n", "")
    again = typed("products", "delete", "albumen", "--yes")
    assert (again.code, again.out) == (1, "")


def test_a_deletion_in_json_writes_nothing(typed: RunCommand) -> None:
    assert typed("products", "delete", "albumen", "--yes", "--json") == CommandResult(0, "", "")


@pytest.mark.parametrize("reply", ["", "n\n", "\n", "yess\n", b"\xff\n"])
def test_a_deletion_without_a_yes_deletes_nothing(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch, reply: str | bytes
) -> None:
    on_stdin(monkeypatch, reply)
    answer = typed("products", "delete", "albumen")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "Permanently delete 'albumen' with its variants, images and reviews? [y/N] ",
        "Nothing was changed. Confirm with y, or pass --yes.",
    ]
    assert kept(world).is_active


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_deletion_that_is_confirmed_is_done(
    typed: RunCommand, monkeypatch: pytest.MonkeyPatch, json: list[str]
) -> None:
    on_stdin(monkeypatch, "Y\n")
    assert typed("products", "delete", "albumen", *json).code == 0
    assert typed("products", "show", "albumen", "--status", "all").code == 1


def test_a_deletion_without_a_yes_is_problem_json_alone(
    typed: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_stdin(monkeypatch, "")
    answer = typed("products", "delete", "albumen", "--json")
    assert answer.code == 1
    assert (
        orjson.loads(answer.err)["detail"] == "Nothing was changed. Confirm with y, or pass --yes"
    )


@pytest.mark.parametrize(
    "words",
    [["update", "--price", "1"], ["archive"], ["restore"], ["delete", "--yes"]],
)
@pytest.mark.parametrize("slug", ["chicken", "\udcff", "No Slug"])
def test_a_product_that_is_not_there_is_refused(
    typed: RunCommand, words: list[str], slug: str
) -> None:
    answer = typed("products", *words, slug, "--json")
    assert (answer.code, answer.out) == (1, "")
    assert orjson.loads(answer.err)["status"] == 404


@pytest.mark.parametrize("letter", ["卵", "W", "🥚", "é", "ﷺ"])
def test_whatever_the_texts_hold_80_columns_are_enough(
    typed: RunCommand, world: MemoryRuntime, letter: str
) -> None:
    texts = {"name": letter * 255, "sku": letter * 100, "description": letter * 5000}
    lists = {"ingredients": [letter * 255] * 50, "attributes": {letter * 100: letter * 1000}}
    prices = {"price": "999999.98", "compare_at_price": "999999.99", "stock_quantity": 2147483647}
    world.shop.products.create(product_values(slug="a" * 255) | texts | lists | prices)
    for words in (["list"], ["show", "a" * 255]):
        out = typed("products", *words).out
        assert max(map(cell_len, out.splitlines())) <= 80
        assert out.count(letter) >= 255
        assert out.count("a") >= 255
