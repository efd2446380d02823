"""`eggypro variants`, `eggypro stock --variant`, and variants on the product card."""

import io
import sys
from pathlib import Path

import orjson
import pytest
from rich.cells import cell_len

from eggypro_core import Status, Variant, VariantQuery
from eggypro_core.domain.variant import MAX_EMBEDDED_VARIANTS, VariantDraft
from eggypro_core.serializers import variant_body, variant_page_body
from tests.support.builders import product_values, variant_values
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

SMALL = 2
"""The id of the small variant, which is active; LARGE is archived."""
LARGE = 3
ID = str(SMALL)


@pytest.fixture(autouse=True)
def _albumen(runtime: MemoryRuntime) -> None:
    shop = runtime.shop
    shop.products.create(product_values(name="Albumen"))
    small = {"sku": "AL-1", "stock_quantity": 3, "image": "https://x.example/1.jpg"}
    options = {"Size": "1 kg", "Flavour": "Salt"}
    assert shop.variants.create("albumen", variant_values(options=options, **small)).id == SMALL
    large = {"options": {"Size": "2 kg"}, "price": "40", "is_active": False}
    assert shop.variants.create("albumen", variant_values(**large)).id == LARGE


def stored_variant(runtime: MemoryRuntime, variant_id: int = SMALL) -> Variant:
    return runtime.shop.variants.get("albumen", variant_id, Status.ALL)


def set_stdin(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))


def to_json(body: object) -> str:
    return orjson.dumps(body).decode() + "\n"


def error_fields(result: CommandResult) -> list[str]:
    assert (result.code, result.out) == (1, "")
    return sorted(error["field"] for error in orjson.loads(result.err)["errors"])


def test_list_shows_id_options_price_stock_and_state(run_command: RunCommand) -> None:
    result = run_command("variants", "list", "albumen", "--status", "all")
    assert [line.split() for line in result.out.splitlines()] == [
        ["id", "options", "price", "EUR", "stock", "state"],
        ["2", "Size", "1", "kg,", "Flavour", "Salt", "24.99", "3", "active"],
        ["3", "Size", "2", "kg", "40.00", "0", "archived"],
        ["2", "of", "2"],
    ]
    assert (result.code, result.err) == (0, "")


def test_list_shows_active_variants_by_default(run_command: RunCommand) -> None:
    def ids(*words: str) -> list[int]:
        body = orjson.loads(run_command("variants", "list", "albumen", "--json", *words).out)
        return [item["id"] for item in body["items"]]

    assert ids() == [SMALL]
    assert ids("--status", "archived") == [LARGE]
    assert ids("--status", "all") == [SMALL, LARGE]
    assert ids("--status", "all", "--offset", "1") == [LARGE]
    assert ids("--status", "all", "--limit", "1") == [SMALL]


def test_list_shows_sold_out_and_untracked_stock(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.variants.set_stock("albumen", SMALL, 0)
    assert "sold out" in run_command("variants", "list", "albumen").out
    assert run_command("variants", "update", "albumen", ID, "--no-track-stock").code == 0
    assert run_command("variants", "list", "albumen").out.splitlines()[1].split()[-2:] == [
        *("untracked", "active"),
    ]


def test_list_of_a_product_without_variants_is_empty(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.products.create(product_values(name="Plain"))
    assert run_command("variants", "list", "plain") == CommandResult(0, "0 of 0\n", "")


@pytest.mark.parametrize("slug", ["albumen", "former"])
def test_json_of_a_list_is_the_http_body(
    run_command: RunCommand, runtime: MemoryRuntime, slug: str
) -> None:
    runtime.shop.products.update("albumen", {"slug": "former"})
    runtime.shop.products.update("former", {"slug": "albumen"})
    query = VariantQuery(product="albumen", status=Status.ALL, limit=1)
    body = variant_page_body(runtime.shop.variants.list(query), query)
    assert body["next"]
    result = run_command("variants", "list", slug, "--status", "all", "--limit", "1", "--json")
    assert result.out == to_json(body)


def test_page_prints_the_option_for_the_next_page(run_command: RunCommand) -> None:
    words = ["variants", "list", "albumen", "--status", "all", "--limit", "1"]
    assert run_command(*words).out.endswith("Next page: add --offset 1\n")


def test_page_after_a_cursor_prints_the_next_cursor(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.variants.create("albumen", variant_values(options={"Size": "3 kg"}))
    words = ["variants", "list", "albumen", "--status", "all", "--limit", "1"]
    cursor = orjson.loads(run_command(*words, "--json").out)["next"].partition("cursor=")[2]
    second = run_command(*words, "--cursor", cursor).out
    third = run_command(*words, "--cursor", second.split()[-1]).out
    assert "2 kg" in second
    assert "3 kg" in third
    assert "Next page" not in third


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--limit", "0", "--offset", "-1"], "Limit must be at least 1; Offset cannot be negative"),
        (["--cursor", "mended"], "cursor does not belong to this list"),
        (["--cursor", "x", "--offset", "1"], "Offset cannot be given together with a cursor"),
        (["--status", "inactive"], "'inactive' is not one of"),
    ],
)
def test_invalid_list_options_are_usage_errors(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], sentence: str
) -> None:
    runtime.unavailable_message = "The database is unavailable"  # must not be connected
    result = run_command("variants", "list", "albumen", *words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert sentence in result.err
    assert result.err.endswith("; see `eggypro variants list --help`.\n")


def test_show_prints_all_fields_and_the_version_for_writes(run_command: RunCommand) -> None:
    result = run_command("variants", "show", "albumen", ID)
    assert [line.split(maxsplit=1) for line in result.out.splitlines()] == [
        ["id", "2"],
        ["Size", "1 kg"],
        ["Flavour", "Salt"],
        ["sku", "AL-1"],
        ["price", "24.99 EUR"],
        ["stock", "3"],
        ["state", "active"],
        ["image", "https://x.example/1.jpg"],
        ["position", "0"],
        ["version", "3"],
    ]
    assert (result.code, result.err) == (0, "")


def test_json_of_a_variant_is_the_http_body(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    result = run_command("variants", "show", "albumen", ID, "--json")
    assert result == CommandResult(0, to_json(variant_body(stored_variant(runtime))), "")


def test_archived_variant_is_shown_by_status_only(run_command: RunCommand) -> None:
    assert run_command("variants", "show", "albumen", str(LARGE)).code == 1
    assert run_command("variants", "show", "albumen", ID, "--status", "archived").code == 1
    result = run_command("variants", "show", "albumen", str(LARGE), "--status", "all")
    assert (result.code, "archived" in result.out) == (0, True)


def test_former_slug_works_for_reads_and_is_rejected_for_writes(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.products.update("albumen", {"slug": "egg-white"})
    for words in (["list", "albumen"], ["show", "albumen", ID]):
        result = run_command("variants", *words)
        assert (result.code, "24.99" in result.out) == (0, True)
        assert result.err == "'albumen' is a former slug of 'egg-white', shown here.\n"
    for words in (
        ["variants", "create", "albumen", "--option", "Size=9", "--price", "1"],
        ["variants", "update", "albumen", ID, "--price", "1"],
        ["variants", "delete", "albumen", ID, "--yes"],
        ["stock", "set", "albumen", "1", "--variant", ID],
        ["stock", "adjust", "albumen", "--by", "1", "--variant", ID],
    ):
        result = run_command(*words)
        assert (result.code, result.out) == (1, "")
        assert result.err == "The product is now at 'egg-white'; use that slug.\n"


VARIANT_COMMANDS = [
    ["variants", "show", "{slug}", "{id}"],
    ["variants", "update", "{slug}", "{id}", "--price", "1"],
    ["variants", "delete", "{slug}", "{id}", "--yes"],
    ["stock", "set", "{slug}", "1", "--variant", "{id}"],
    ["stock", "adjust", "{slug}", "--by", "1", "--variant", "{id}"],
]


@pytest.mark.parametrize("words", VARIANT_COMMANDS, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize("number", ["1", "4", "0", "2147483648", "9" * 100])
def test_unknown_variant_is_rejected_with_a_hint_to_the_list(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], number: str
) -> None:
    result = run_command(*(word.format(slug="albumen", id=number) for word in words))
    assert result == CommandResult(
        1,
        "",
        f"The product 'albumen' has no variant {number};"
        " `eggypro variants list SLUG --status all` lists all variants.\n",
    )
    assert len(runtime.shop.variants.list(VariantQuery(product="albumen")).items) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["variants", "list", "{slug}"],
        ["variants", "create", "{slug}", "--option", "Size=1", "--price", "1"],
        *VARIANT_COMMANDS,
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("slug", ["chicken", "\udcff", "No Slug"])
def test_unknown_product_is_rejected(run_command: RunCommand, words: list[str], slug: str) -> None:
    result = run_command(*(word.format(slug=slug, id=ID) for word in words))
    assert (result.code, result.out) == (1, "")
    assert "There is no product" in result.err
    assert "`eggypro products list --status all`" in result.err


@pytest.mark.parametrize("words", VARIANT_COMMANDS, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize("number", ["one", "1.0", "1e3", "٣", ""])
def test_non_integer_id_is_a_usage_error(
    run_command: RunCommand, words: list[str], number: str
) -> None:
    result = run_command(*(word.format(slug="albumen", id=number) for word in words))
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1


def test_create_from_options_prints_the_variant_like_show(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    words = ["--option", "Size=3 kg", "--option", "Flavour=a=b", "--price", "50"]
    result = run_command("variants", "create", "albumen", *words)
    assert (result.code, result.err) == (0, "")
    assert result.out == run_command("variants", "show", "albumen", "4").out
    assert stored_variant(runtime, 4).options == {"Size": "3 kg", "Flavour": "a=b"}


def test_every_field_has_an_option(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    words = [
        *("--option", "Size=3 kg", "--price", "0.29", "--compare-at-price", "1", "--sku", "S"),
        *("--stock", "7", "--no-track-stock", "--image", "https://x.example/3.jpg"),
        *("--gtin", "96385074", "--weight-grams", "90"),
        *("--position", "5", "--archived", "--json"),
    ]
    result = run_command("variants", "create", "albumen", *words)
    assert result == CommandResult(0, to_json(variant_body(stored_variant(runtime, 4))), "")
    body = orjson.loads(result.out)
    assert {name: body[name] for name in VariantDraft.__annotations__} == {
        "options": {"Size": "3 kg"},
        "price": "0.29",
        "sku": "S",
        "gtin": "96385074",
        "weight_grams": 90,
        "compare_at_price": "1.00",
        "stock_quantity": 7,
        "track_stock": False,
        "image": "https://x.example/3.jpg",
        "position": 5,
        "is_active": False,
    }


def test_options_override_the_fields_of_a_file(
    run_command: RunCommand, runtime: MemoryRuntime, tmp_path: Path
) -> None:
    file = tmp_path / "variant.json"
    options = {"Size": "3 kg", "Flavour": "Egg"}
    file.write_bytes(orjson.dumps(variant_values(options=options, sku="OF-FILE", stock_quantity=2)))
    overrides = ["--option", "Flavour=Salt", "--price", "9", "--stock-quantity", "4"]
    assert run_command("variants", "create", "albumen", "--from", str(file), *overrides).code == 0
    variant = stored_variant(runtime, 4)
    assert variant.options == {"Size": "3 kg", "Flavour": "Salt"}
    assert (variant.sku, str(variant.price), variant.stock_quantity) == ("OF-FILE", "9.00", 4)


def test_all_missing_and_invalid_fields_are_reported_together(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    assert error_fields(run_command("variants", "create", "albumen", "--json")) == [
        "options",
        "price",
    ]
    wrong = ["--price", "1,5", "--stock", "many", "--position", "-1", "--image", "x"]
    result = run_command("variants", "create", "albumen", *wrong, "--option", "Size=", "--json")
    assert error_fields(result) == ["image", "options", "position", "price", "stock_quantity"]
    assert run_command("variants", "create", "albumen", *wrong).err.endswith(
        "Nothing was changed; see `eggypro variants create --help`.\n"
    )
    assert runtime.shop.products.get("albumen").version == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Size=1 kg", "Flavour=Salt"], "has a variant Size 1 kg, Flavour Salt"),
        ([f"{name}=1" for name in "ABCDEFGHI"], "can have at most 10 option names"),
    ],
)
def test_options_conflicting_with_other_variants_are_rejected(
    run_command: RunCommand, words: list[str], sentence: str
) -> None:
    options = [word for pair in words for word in ("--option", pair)]
    result = run_command("variants", "create", "albumen", "--price", "1", *options)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err


def test_update_changes_only_the_given_fields(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    before = variant_body(stored_variant(runtime))
    result = run_command(
        "variants", "update", "albumen", ID, "--price", "8", "--archived", "--json"
    )
    assert result == CommandResult(0, to_json(before | {"price": "8.00", "is_active": False}), "")


def test_update_sets_and_removes_single_options(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    edits = ["--option", "Size=5 kg", "--no-option", "Flavour", "--option", "Shape=Bar"]
    assert run_command("variants", "update", "albumen", ID, *edits).code == 0
    assert stored_variant(runtime).options == {"Size": "5 kg", "Shape": "Bar"}
    removals = ["--no-option", "Size", "--no-option", "Shape"]
    result = run_command("variants", "update", "albumen", ID, *removals)
    assert (result.code, "At least one option is required" in result.err) == (1, True)


def test_clear_empties_fields(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    run_command("variants", "update", "albumen", ID, "--compare-at-price", "30")
    names = ("sku", "compare_at_price", "image")
    words = [word for name in names for word in ("--clear", name)]
    assert run_command("variants", "update", "albumen", ID, *words).code == 0
    assert [getattr(stored_variant(runtime), name) for name in names] == [None, None, None]


def test_update_applies_a_file_as_merge_patch(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_stdin(monkeypatch, '{"price": 0.29, "sku": null, "options": {"Flavour": null}}')
    overrides = ["--option", "Size=9", "--stock", "1"]
    assert run_command("variants", "update", "albumen", ID, "--from", "-", *overrides).code == 0
    variant = stored_variant(runtime)
    assert (str(variant.price), variant.sku, variant.stock_quantity) == ("0.29", None, 1)
    assert variant.options == {"Size": "9"}


def test_empty_patch_changes_nothing(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_stdin(monkeypatch, "{}")
    assert run_command("variants", "update", "albumen", ID, "--from", "-").code == 0
    assert stored_variant(runtime).version == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Nothing to update"),
        (["--option", "Size"], "--option must be NAME=VALUE, not 'Size'"),
        (["--option", "A=1", "--no-option", "A"], "The option 'A' appears twice"),
        (["--clear", "image", "--image", "https://x.example/"], "--clear image cannot be combined"),
        (["--clear", "options"], "'options' is not one of"),
        (["--clear", "price"], "'price' is not one of"),
        (["--version", "abc"], "a whole number"),
    ],
)
def test_usage_error_of_update_exits_with_2(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], sentence: str
) -> None:
    result = run_command("variants", "update", "albumen", ID, *words)
    assert (result.code, result.out) == (2, "")
    assert sentence in result.err
    assert result.err.endswith("; see `eggypro variants update --help`.\n")
    assert stored_variant(runtime).version == 3


@pytest.mark.parametrize("words", [["update", "--price", "1"], ["delete", "--yes"]])
def test_write_with_another_version_is_rejected(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    before = stored_variant(runtime)
    command, *options = words
    result = run_command("variants", command, "albumen", ID, *options, "--version", "7")
    assert (result.code, result.out) == (1, "")
    assert "it is at version 3, not 7" in result.err
    assert stored_variant(runtime) == before
    assert run_command("variants", command, "albumen", ID, *options, "--version", "3").code == 0


def test_delete_removes_the_variant_permanently(run_command: RunCommand) -> None:
    result = run_command("variants", "delete", "albumen", ID, "--yes")
    assert result == CommandResult(0, "Deleted variant 2 of 'albumen'.\n", "")
    assert run_command("variants", "show", "albumen", ID, "--status", "all").code == 1
    assert run_command("variants", "delete", "albumen", ID, "--yes").code == 1


def test_delete_of_an_archived_variant_with_json_prints_nothing(
    run_command: RunCommand,
) -> None:
    assert run_command(
        "variants", "delete", "albumen", str(LARGE), "--yes", "--json"
    ) == CommandResult(0, "", "")


@pytest.mark.parametrize(("reply", "code"), [("", 1), ("n\n", 1), ("y\n", 0)])
def test_delete_asks_for_confirmation(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    monkeypatch: pytest.MonkeyPatch,
    reply: str,
    code: int,
) -> None:
    set_stdin(monkeypatch, reply)
    result = run_command("variants", "delete", "albumen", ID)
    assert result.code == code
    assert result.err.startswith("Permanently delete variant 2 of 'albumen'? [y/N]")
    assert runtime.shop.products.get("albumen").variant_count == code


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["set", "albumen", "40", "--variant", ID], 40),
        (["adjust", "albumen", "--by", "2", "--variant", ID], 5),
        (["adjust", "albumen", "--variant", ID, "--by", "-3"], 0),
    ],
)
def test_stock_of_a_variant_is_set_and_adjusted(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], left: int
) -> None:
    assert run_command("stock", *words) == CommandResult(
        0, f"albumen, variant 2: {left} in stock\n", ""
    )
    assert stored_variant(runtime).stock_quantity == left
    assert runtime.shop.products.get("albumen").stock_quantity == left


def test_json_of_a_stock_change_is_the_http_body(run_command: RunCommand) -> None:
    result = run_command("stock", "set", "albumen", "7", "--variant", ID, "--json")
    assert result == CommandResult(0, '{"stock_quantity":7}\n', "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["set", "albumen", "-5", "--variant", ID], "Stock quantity cannot be negative"),
        (["adjust", "albumen", "--by", "-4", "--variant", ID], "Insufficient stock: 3 available"),
        (["adjust", "albumen", "--by", "9" * 100, "--variant", ID], "plus 9999"),
        (["set", "albumen", "4"], "Stock quantity is derived from the product's"),
        (["adjust", "albumen", "--by", "1"], "Stock quantity is derived from the product's"),
    ],
)
def test_invalid_stock_change_is_rejected_in_one_sentence(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], sentence: str
) -> None:
    result = run_command("stock", *words)
    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 1
    assert sentence in result.err
    assert stored_variant(runtime).stock_quantity == 3


def test_product_card_shows_its_variants(run_command: RunCommand) -> None:
    card = " ".join(run_command("products", "show", "albumen").out.split())
    assert "2: Size 1 kg, Flavour Salt; 24.99 EUR, 3 in stock, active" in card
    assert "Size 2 kg" not in card
    full_card = " ".join(run_command("products", "show", "albumen", "--status", "all").out.split())
    assert "3: Size 2 kg; 40.00 EUR, 0 in stock, archived" in full_card


def test_product_card_without_variants_omits_them(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.products.create(product_values(name="Plain"))
    assert "variants" not in run_command("products", "show", "plain").out


def test_product_card_with_too_many_variants_points_to_the_list(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    for number in range(MAX_EMBEDDED_VARIANTS - 2):
        runtime.shop.variants.create("albumen", variant_values(options={"Size": str(number)}))
    assert "lists all" not in run_command("products", "show", "albumen").out
    for size in ("the hundredth", "the last"):
        runtime.shop.variants.create("albumen", variant_values(options={"Size": size}))
    card = " ".join(run_command("products", "show", "albumen").out.split())
    assert "`eggypro variants list albumen` lists all variants" in card
    assert ("the hundredth" in card, "the last" in card) == (True, False)


@pytest.mark.parametrize("letter", ["卵", "W", "🥚"])
def test_tables_fit_80_columns_with_any_text(
    run_command: RunCommand, runtime: MemoryRuntime, letter: str
) -> None:
    options = {f"{name}{letter * 99}": letter * 255 for name in "abc"}
    prices = {"price": "999999.98", "compare_at_price": "999999.99", "stock_quantity": 2147483647}
    runtime.shop.products.create(product_values(name="Long"))
    texts = {"sku": letter * 100, "image": "https://x.example/" + "a" * 2000}
    variant = runtime.shop.variants.create(
        "long", variant_values(options=options, **prices, **texts)
    )
    for words in (
        ["variants", "list", "long"],
        ["variants", "show", "long", str(variant.id)],
        ["products", "show", "long"],
    ):
        out = run_command(*words).out
        assert max(map(cell_len, out.splitlines())) <= 80
        assert out.count(letter) >= 3 * (99 + 255)
