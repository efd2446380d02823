"""`eggypro products create|update|archive|restore|delete`."""

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
from eggypro_core.serializers import ProductSerializer
from tests.support.builders import product_values
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

OPTIONS = {
    "--name": "Egg Ω",
    "--description": "Pure",
    "--details": "<p>Five</p>",
    "--ingredient": "egg",
    "--price": "24.99",
}
REQUIRED_OPTIONS = [word for pair in OPTIONS.items() for word in pair]


@pytest.fixture(autouse=True)
def _albumen(runtime: MemoryRuntime) -> None:
    texts = {"attributes": {"Fat": "1 g", "Salt": "0"}, "seo_title": "A title", "sku": "AL-1"}
    runtime.shop.products.create(product_values(name="Albumen", price="9.50") | texts)


def test_options_have_the_names_of_the_fields() -> None:
    fields = {definition.name for definition in PRODUCT_FIELDS}
    assert NEW_PRODUCT.keys() == fields | {"categories"}
    assert PRODUCT_EDIT.keys() == fields - {"images"} | {"no_attributes"}
    assert NEW_VARIANT.keys() == {definition.name for definition in VARIANT_FIELDS}
    assert VARIANT_EDIT.keys() == NEW_VARIANT.keys() | {"no_options"}


def test_every_nullable_field_can_be_cleared() -> None:
    nullable = {definition.name for definition in PRODUCT_FIELDS if definition.nullable}
    assert set(Clearable) == nullable | {"attributes", "tags"}
    assert set(ClearableOfVariant) == {
        definition.name for definition in VARIANT_FIELDS if definition.nullable
    }


def stored_product(runtime: MemoryRuntime, slug: str = "albumen") -> Product:
    return runtime.shop.products.get(slug, Status.ALL)


def set_stdin(monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def error_fields(result: CommandResult) -> list[str]:
    assert result.out == ""
    return [error["field"] for error in orjson.loads(result.err)["errors"]]


def test_create_from_options_prints_the_product_like_show(run_command: RunCommand) -> None:
    result = run_command("products", "create", *REQUIRED_OPTIONS)
    assert (result.code, result.err) == (0, "")
    assert result.out == run_command("products", "show", "egg-o").out
    assert "24.99 EUR" in result.out


def test_json_of_a_new_product_is_the_http_body(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    result = run_command("products", "create", *REQUIRED_OPTIONS, "--json")
    assert (
        result.out
        == orjson.dumps(
            ProductSerializer("EUR", no_image_url).product(stored_product(runtime, "egg-o"))
        ).decode()
        + "\n"
    )
    assert result.err == ""


def test_every_field_has_an_option(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    options = [
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
        *("--stock", "40", "--no-track-stock", "--archived", "--unlisted"),
        *("--gtin", "96385074", "--brand", "Eggy", "--tag", "a", "--tag", "b", "--weight", "90"),
        *("--category", "food", "--category", "bars"),
    ]
    for name in ("Food", "Bars"):
        runtime.shop.categories.create({"name": name})
    assert run_command("products", "create", *REQUIRED_OPTIONS, *options).code == 0
    body = ProductSerializer("EUR", no_image_url).product(stored_product(runtime, "egg"))
    fields = ProductDraft.__annotations__.keys() - {"variants"}  # set by `variants create`
    assert {name: body[name] for name in body if name in fields} == {
        "name": "Egg Ω",
        "slug": "egg",
        "sku": "E-1",
        "gtin": "96385074",
        "brand": "Eggy",
        "tags": ("a", "b"),
        "weight_grams": 90,
        "is_listed": False,
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


def test_all_missing_and_invalid_fields_are_reported_together(run_command: RunCommand) -> None:
    invalid = ["--price", "1,5", "--stock", "many", "--slug", "A b", "--compare-at-price", "-1"]
    result = run_command("products", "create", *invalid, "--ingredient", "egg", "--json")
    assert result.code == 1
    assert sorted(error_fields(result)) == [
        *("compare_at_price", "description", "details", "name"),
        *("price", "slug", "stock_quantity"),
    ]


@pytest.mark.parametrize("number", ["-1", "2147483648", "9" * 30, "9" * 5000, "1.5", "\udcff"])
def test_invalid_stock_quantity_is_an_error_of_its_field(
    run_command: RunCommand, number: str
) -> None:
    result = run_command(
        "products", "create", *REQUIRED_OPTIONS, "--stock-quantity", number, "--json"
    )
    assert result.code == 1
    assert error_fields(result) == ["stock_quantity"]


def test_options_override_the_fields_of_a_file(
    run_command: RunCommand, runtime: MemoryRuntime, tmp_path: Path
) -> None:
    attributes = {"attributes": {"Fat": "1 g", "Salt": "0"}, "slug": "of-a-file"}
    file = tmp_path / "product.json"
    file.write_bytes(b"\xef\xbb\xbf" + orjson.dumps(product_values() | attributes))
    overrides = ["--price", "5", "--attribute", "Fat=2 g", "--ingredient", "egg"]
    assert run_command("products", "create", "--from", str(file), *overrides).code == 0
    product = stored_product(runtime, "of-a-file")
    assert (str(product.price), product.ingredients) == ("5.00", ("egg",))
    assert product.attributes == {"Fat": "2 g", "Salt": "0"}
    assert product.description == product_values()["description"]


def test_number_in_a_file_is_read_exactly(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_stdin(monkeypatch, '{"price": 0.29}')
    assert run_command("products", "update", "albumen", "--from", "-").code == 0
    assert str(stored_product(runtime).price) == "0.29"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"price": 1, "price": 2}', "The name 'price' appears twice in the JSON"),
        ('{"price": NaN}', "NaN is not a valid JSON number"),
        ("", "Invalid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "must contain one JSON object"),
        (b"\xff{}", "is not UTF-8 (byte 1)"),
        (b" " * (MAX_JSON_BYTES + 1), f"at most {MAX_JSON_BYTES} bytes"),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("words", [["create"], ["update", "albumen"]])
def test_invalid_json_file_is_rejected_in_one_sentence(
    run_command: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    content: str | bytes,
    sentence: str,
) -> None:
    set_stdin(monkeypatch, content)
    result = run_command("products", *words, "--from", "-")
    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 1
    assert sentence in result.err


def test_slug_in_use_is_rejected(run_command: RunCommand) -> None:
    result = run_command("products", "create", *REQUIRED_OPTIONS, "--slug", "albumen")
    assert result.code == 1
    assert result.err == "The slug 'albumen' belongs to another product; choose another.\n"


def test_update_changes_only_the_given_fields(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    before = ProductSerializer("EUR", no_image_url).product(stored_product(runtime))
    result = run_command(
        "products", "update", "albumen", "--price", "8", "--no-track-stock", "--json"
    )
    assert (result.code, result.err) == (0, "")
    assert orjson.loads(result.out) == orjson.loads(
        orjson.dumps(before | {"price": "8.00", "track_stock": False})
    )


def test_update_sets_and_removes_single_attributes(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    edits = ["--attribute", "Fat=2 g", "--attribute", "Sugar=", "--no-attribute", "Salt"]
    assert "Attribute is required" in run_command("products", "update", "albumen", *edits).err
    edits[3] = "Sugar=0 g"
    assert run_command("products", "update", "albumen", *edits).code == 0
    assert stored_product(runtime).attributes == {"Fat": "2 g", "Sugar": "0 g"}


def test_clear_empties_fields(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    run_command(
        "products", "update", "albumen", "--compare-at-price", "10", "--seo-description", "D"
    )
    names = ("sku", "compare_at_price", "seo_title", "seo_description", "attributes")
    words = [word for name in names for word in ("--clear", name)]
    assert run_command("products", "update", "albumen", *words).code == 0
    product = stored_product(runtime)
    assert [getattr(product, name) for name in names] == [None, None, None, None, {}]


def test_former_slug_is_rejected_for_writes_with_the_new_slug(run_command: RunCommand) -> None:
    assert run_command("products", "update", "albumen", "--slug", "egg-white").code == 0
    for words in (
        ["products", "update", "albumen", "--price", "1"],
        ["products", "archive", "albumen"],
        ["products", "restore", "albumen"],
        ["products", "delete", "albumen", "--yes"],
        ["stock", "set", "albumen", "1"],
        ["stock", "adjust", "albumen", "--by", "1"],
    ):
        result = run_command(*words)
        assert (result.code, result.out) == (1, "")
        assert result.err == "The product is now at 'egg-white'; use that slug.\n"


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
def test_usage_error_of_update_exits_with_2(
    run_command: RunCommand, words: list[str], sentence: str
) -> None:
    result = run_command("products", "update", "albumen", *words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert sentence in result.err
    assert result.err.endswith("; see `eggypro products update --help`.\n")


def test_empty_patch_changes_nothing(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_stdin(monkeypatch, "{}")
    assert run_command("products", "update", "albumen", "--from", "-").code == 0
    assert stored_product(runtime).version == 1


@pytest.mark.parametrize(
    "words", [["update", "--price", "1"], ["archive"], ["restore"], ["delete", "--yes"]]
)
def test_write_with_another_version_is_rejected(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    before = stored_product(runtime)
    result = run_command("products", *words, "albumen", "--version", "7")
    assert (result.code, result.out) == (1, "")
    assert "it is at version 1, not 7" in result.err
    assert stored_product(runtime) == before


def test_shown_version_is_accepted_by_a_write(run_command: RunCommand) -> None:
    version_line = run_command("products", "show", "albumen").out.splitlines()[-1].split()
    assert version_line == ["version", "1"]
    assert (
        run_command(
            "products", "update", "albumen", "--price", "1", "--version", version_line[1]
        ).code
        == 0
    )


def test_product_is_archived_and_restored(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    archived = run_command("products", "archive", "albumen")
    assert archived.code == 0
    assert "archived" in archived.out
    assert not stored_product(runtime).is_active
    restored = run_command("products", "restore", "albumen", "--json")
    assert orjson.loads(restored.out)["is_active"] is True
    assert stored_product(runtime).is_active


def test_delete_removes_the_product_permanently(run_command: RunCommand) -> None:
    result = run_command("products", "delete", "albumen", "--yes")
    assert (result.code, result.out, result.err) == (0, "Deleted 'albumen'.\n", "")
    again = run_command("products", "delete", "albumen", "--yes")
    assert (again.code, again.out) == (1, "")


def test_delete_with_json_prints_nothing(run_command: RunCommand) -> None:
    assert run_command("products", "delete", "albumen", "--yes", "--json") == CommandResult(
        0, "", ""
    )


@pytest.mark.parametrize("reply", ["", "n\n", "\n", "yess\n", b"\xff\n"])
def test_unconfirmed_delete_changes_nothing(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    monkeypatch: pytest.MonkeyPatch,
    reply: str | bytes,
) -> None:
    set_stdin(monkeypatch, reply)
    result = run_command("products", "delete", "albumen")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        "Permanently delete 'albumen' with its variants, images and reviews? [y/N] ",
        "Nothing was changed. Confirm with y, or pass --yes.",
    ]
    assert stored_product(runtime).is_active


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_confirmed_delete_is_executed(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, json: list[str]
) -> None:
    set_stdin(monkeypatch, "Y\n")
    assert run_command("products", "delete", "albumen", *json).code == 0
    assert run_command("products", "show", "albumen", "--status", "all").code == 1


def test_unconfirmed_delete_with_json_prints_only_problem_json(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_stdin(monkeypatch, "")
    result = run_command("products", "delete", "albumen", "--json")
    assert result.code == 1
    assert (
        orjson.loads(result.err)["detail"] == "Nothing was changed. Confirm with y, or pass --yes"
    )


@pytest.mark.parametrize(
    "words",
    [["update", "--price", "1"], ["archive"], ["restore"], ["delete", "--yes"]],
)
@pytest.mark.parametrize("slug", ["chicken", "\udcff", "No Slug"])
def test_unknown_product_is_rejected(run_command: RunCommand, words: list[str], slug: str) -> None:
    result = run_command("products", *words, slug, "--json")
    assert (result.code, result.out) == (1, "")
    assert orjson.loads(result.err)["status"] == 404


@pytest.mark.parametrize("letter", ["卵", "W", "🥚", "é", "ﷺ"])
def test_tables_fit_80_columns_with_any_text(
    run_command: RunCommand, runtime: MemoryRuntime, letter: str
) -> None:
    texts = {"name": letter * 255, "sku": letter * 100, "description": letter * 5000}
    lists = {"ingredients": [letter * 255] * 50, "attributes": {letter * 100: letter * 1000}}
    prices = {"price": "999999.98", "compare_at_price": "999999.99", "stock_quantity": 2147483647}
    runtime.shop.products.create(product_values(slug="a" * 255) | texts | lists | prices)
    for words in (["list"], ["show", "a" * 255]):
        out = run_command("products", *words).out
        assert max(map(cell_len, out.splitlines())) <= 80
        assert out.count(letter) >= 255
        assert out.count("a") >= 255
