"""`eggypro variants`, the stock of variants, and the variants on a product's card."""

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
"""The id of the small one, which is on sale; the large one after it is archived."""
LARGE = 3
ID = str(SMALL)


@pytest.fixture(autouse=True)
def _albumen(world: MemoryRuntime) -> None:
    shop = world.shop
    shop.products.create(product_values(name="Albumen"))
    small = {"sku": "AL-1", "stock_quantity": 3, "image": "https://x.example/1.jpg"}
    options = {"Size": "1 kg", "Flavour": "Salt"}
    assert shop.variants.create("albumen", variant_values(options=options, **small)).id == SMALL
    large = {"options": {"Size": "2 kg"}, "price": "40", "is_active": False}
    assert shop.variants.create("albumen", variant_values(**large)).id == LARGE


def kept(world: MemoryRuntime, variant_id: int = SMALL) -> Variant:
    return world.shop.variants.get("albumen", variant_id, Status.ALL)


def on_stdin(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))


def in_json(body: object) -> str:
    return orjson.dumps(body).decode() + "\n"


def faults_of(answer: CommandResult) -> list[str]:
    assert (answer.code, answer.out) == (1, "")
    return sorted(fault["field"] for fault in orjson.loads(answer.err)["errors"])


def test_a_list_shows_id_options_price_stock_and_state(typed: RunCommand) -> None:
    answer = typed("variants", "list", "albumen", "--status", "all")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["id", "options", "price", "EUR", "stock", "state"],
        ["2", "Size", "1", "kg,", "Flavour", "Salt", "24.99", "3", "active"],
        ["3", "Size", "2", "kg", "40.00", "0", "archived"],
        ["2", "of", "2"],
    ]
    assert (answer.code, answer.err) == (0, "")


def test_a_list_shows_what_is_on_sale_unless_asked_for_more(typed: RunCommand) -> None:
    def ids(*words: str) -> list[int]:
        body = orjson.loads(typed("variants", "list", "albumen", "--json", *words).out)
        return [item["id"] for item in body["items"]]

    assert ids() == [SMALL]
    assert ids("--status", "archived") == [LARGE]
    assert ids("--status", "all") == [SMALL, LARGE]
    assert ids("--status", "all", "--offset", "1") == [LARGE]
    assert ids("--status", "all", "--limit", "1") == [SMALL]


def test_what_is_sold_out_or_not_counted_is_told(typed: RunCommand, world: MemoryRuntime) -> None:
    world.shop.variants.set_stock("albumen", SMALL, 0)
    assert "sold out" in typed("variants", "list", "albumen").out
    assert typed("variants", "update", "albumen", ID, "--no-track-stock").code == 0
    assert typed("variants", "list", "albumen").out.splitlines()[1].split()[-2:] == [
        *("untracked", "active"),
    ]


def test_a_product_without_variants_is_an_empty_list_and_no_error(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop.products.create(product_values(name="Plain"))
    assert typed("variants", "list", "plain") == CommandResult(0, "0 of 0\n", "")


@pytest.mark.parametrize("slug", ["albumen", "former"])
def test_the_json_of_a_list_is_the_body_of_http(
    typed: RunCommand, world: MemoryRuntime, slug: str
) -> None:
    world.shop.products.update("albumen", {"slug": "former"})
    world.shop.products.update("former", {"slug": "albumen"})
    query = VariantQuery(product="albumen", status=Status.ALL, limit=1)
    body = variant_page_body(world.shop.variants.list(query), query)
    assert body["next"]
    answer = typed("variants", "list", slug, "--status", "all", "--limit", "1", "--json")
    assert answer.out == in_json(body)


def test_a_page_tells_people_the_options_of_the_next(typed: RunCommand) -> None:
    words = ["variants", "list", "albumen", "--status", "all", "--limit", "1"]
    assert typed(*words).out.endswith("Next page: add --offset 1\n")


def test_a_page_behind_a_cursor_tells_the_next_cursor(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop.variants.create("albumen", variant_values(options={"Size": "3 kg"}))
    words = ["variants", "list", "albumen", "--status", "all", "--limit", "1"]
    cursor = orjson.loads(typed(*words, "--json").out)["next"].partition("cursor=")[2]
    second = typed(*words, "--cursor", cursor).out
    third = typed(*words, "--cursor", second.split()[-1]).out
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
def test_wrong_options_of_a_list_are_wrong_usage(
    typed: RunCommand, world: MemoryRuntime, words: list[str], sentence: str
) -> None:
    world.unavailable_message = "The database is away"  # which does not matter
    answer = typed("variants", "list", "albumen", *words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert sentence in answer.err
    assert answer.err.endswith("; see `eggypro variants list --help`.\n")


def test_a_variant_is_shown_whole_and_with_the_version_that_writes_take(typed: RunCommand) -> None:
    answer = typed("variants", "show", "albumen", ID)
    assert [line.split(maxsplit=1) for line in answer.out.splitlines()] == [
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
    assert (answer.code, answer.err) == (0, "")


def test_the_json_of_a_variant_is_the_body_of_http(typed: RunCommand, world: MemoryRuntime) -> None:
    answer = typed("variants", "show", "albumen", ID, "--json")
    assert answer == CommandResult(0, in_json(variant_body(kept(world))), "")


def test_an_archived_variant_is_shown_only_when_asked_for(typed: RunCommand) -> None:
    assert typed("variants", "show", "albumen", str(LARGE)).code == 1
    assert typed("variants", "show", "albumen", ID, "--status", "archived").code == 1
    answer = typed("variants", "show", "albumen", str(LARGE), "--status", "all")
    assert (answer.code, "archived" in answer.out) == (0, True)


def test_a_former_slug_leads_reads_on_and_is_refused_in_writes(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop.products.update("albumen", {"slug": "egg-white"})
    for words in (["list", "albumen"], ["show", "albumen", ID]):
        answer = typed("variants", *words)
        assert (answer.code, "24.99" in answer.out) == (0, True)
        assert answer.err == "'albumen' is a former slug of 'egg-white', shown here.\n"
    for words in (
        ["variants", "create", "albumen", "--option", "Size=9", "--price", "1"],
        ["variants", "update", "albumen", ID, "--price", "1"],
        ["variants", "delete", "albumen", ID, "--yes"],
        ["stock", "set", "albumen", "1", "--variant", ID],
        ["stock", "adjust", "albumen", "--by", "1", "--variant", ID],
    ):
        answer = typed(*words)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == "The product is now at 'egg-white'; use that slug.\n"


OF_ONE = [
    ["variants", "show", "{slug}", "{id}"],
    ["variants", "update", "{slug}", "{id}", "--price", "1"],
    ["variants", "delete", "{slug}", "{id}", "--yes"],
    ["stock", "set", "{slug}", "1", "--variant", "{id}"],
    ["stock", "adjust", "{slug}", "--by", "1", "--variant", "{id}"],
]


@pytest.mark.parametrize("words", OF_ONE, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize("number", ["1", "4", "0", "2147483648", "9" * 100])
def test_a_variant_that_is_not_there_is_refused_and_where_to_look_is_told(
    typed: RunCommand, world: MemoryRuntime, words: list[str], number: str
) -> None:
    answer = typed(*(word.format(slug="albumen", id=number) for word in words))
    assert answer == CommandResult(
        1,
        "",
        f"The product 'albumen' has no variant {number};"
        " `eggypro variants list SLUG --status all` lists all variants.\n",
    )
    assert len(world.shop.variants.list(VariantQuery(product="albumen")).items) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["variants", "list", "{slug}"],
        ["variants", "create", "{slug}", "--option", "Size=1", "--price", "1"],
        *OF_ONE,
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("slug", ["chicken", "\udcff", "No Slug"])
def test_a_product_that_is_not_there_is_refused(
    typed: RunCommand, words: list[str], slug: str
) -> None:
    answer = typed(*(word.format(slug=slug, id=ID) for word in words))
    assert (answer.code, answer.out) == (1, "")
    assert "There is no product" in answer.err
    assert "`eggypro products list --status all`" in answer.err


@pytest.mark.parametrize("words", OF_ONE, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize("number", ["one", "1.0", "1e3", "٣", ""])
def test_what_can_be_no_id_is_wrong_usage(typed: RunCommand, words: list[str], number: str) -> None:
    answer = typed(*(word.format(slug="albumen", id=number) for word in words))
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1


def test_a_variant_is_created_of_options_and_shown_as_it_is_shown_later(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    words = ["--option", "Size=3 kg", "--option", "Flavour=a=b", "--price", "50"]
    answer = typed("variants", "create", "albumen", *words)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == typed("variants", "show", "albumen", "4").out
    assert kept(world, 4).options == {"Size": "3 kg", "Flavour": "a=b"}


def test_every_field_has_an_option(typed: RunCommand, world: MemoryRuntime) -> None:
    words = [
        *("--option", "Size=3 kg", "--price", "0.29", "--compare-at-price", "1", "--sku", "S"),
        *("--stock", "7", "--no-track-stock", "--image", "https://x.example/3.jpg"),
        *("--position", "5", "--archived", "--json"),
    ]
    answer = typed("variants", "create", "albumen", *words)
    assert answer == CommandResult(0, in_json(variant_body(kept(world, 4))), "")
    body = orjson.loads(answer.out)
    assert {name: body[name] for name in VariantDraft.__annotations__} == {
        "options": {"Size": "3 kg"},
        "price": "0.29",
        "sku": "S",
        "compare_at_price": "1.00",
        "stock_quantity": 7,
        "track_stock": False,
        "image": "https://x.example/3.jpg",
        "position": 5,
        "is_active": False,
    }


def test_a_file_gives_the_fields_and_options_go_before_it(
    typed: RunCommand, world: MemoryRuntime, tmp_path: Path
) -> None:
    file = tmp_path / "variant.json"
    options = {"Size": "3 kg", "Flavour": "Egg"}
    file.write_bytes(orjson.dumps(variant_values(options=options, sku="OF-FILE", stock_quantity=2)))
    over = ["--option", "Flavour=Salt", "--price", "9", "--stock-quantity", "4"]
    assert typed("variants", "create", "albumen", "--from", str(file), *over).code == 0
    made = kept(world, 4)
    assert made.options == {"Size": "3 kg", "Flavour": "Salt"}
    assert (made.sku, str(made.price), made.stock_quantity) == ("OF-FILE", "9.00", 4)


def test_all_that_is_missing_or_wrong_is_named_at_once(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    assert faults_of(typed("variants", "create", "albumen", "--json")) == ["options", "price"]
    wrong = ["--price", "1,5", "--stock", "many", "--position", "-1", "--image", "x"]
    answer = typed("variants", "create", "albumen", *wrong, "--option", "Size=", "--json")
    assert faults_of(answer) == ["image", "options", "position", "price", "stock_quantity"]
    assert typed("variants", "create", "albumen", *wrong).err.endswith(
        "Nothing was changed; see `eggypro variants create --help`.\n"
    )
    assert world.shop.products.get("albumen").version == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Size=1 kg", "Flavour=Salt"], "has a variant Size 1 kg, Flavour Salt"),
        (["A=1", "B=1"], "share 3 names of options at most"),
    ],
)
def test_options_that_contradict_the_siblings_are_a_conflict(
    typed: RunCommand, words: list[str], sentence: str
) -> None:
    options = [word for pair in words for word in ("--option", pair)]
    answer = typed("variants", "create", "albumen", "--price", "1", *options)
    assert (answer.code, answer.out) == (1, "")
    assert sentence in answer.err


def test_an_update_changes_what_is_given_and_nothing_else(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    before = variant_body(kept(world))
    answer = typed("variants", "update", "albumen", ID, "--price", "8", "--archived", "--json")
    assert answer == CommandResult(0, in_json(before | {"price": "8.00", "is_active": False}), "")


def test_options_are_set_and_taken_away_one_by_one(typed: RunCommand, world: MemoryRuntime) -> None:
    edits = ["--option", "Size=5 kg", "--no-option", "Flavour", "--option", "Shape=Bar"]
    assert typed("variants", "update", "albumen", ID, *edits).code == 0
    assert kept(world).options == {"Size": "5 kg", "Shape": "Bar"}
    gone = ["--no-option", "Size", "--no-option", "Shape"]
    answer = typed("variants", "update", "albumen", ID, *gone)
    assert (answer.code, "At least one option is required" in answer.err) == (1, True)


def test_fields_are_cleared(typed: RunCommand, world: MemoryRuntime) -> None:
    typed("variants", "update", "albumen", ID, "--compare-at-price", "30")
    names = ("sku", "compare_at_price", "image")
    words = [word for name in names for word in ("--clear", name)]
    assert typed("variants", "update", "albumen", ID, *words).code == 0
    assert [getattr(kept(world), name) for name in names] == [None, None, None]


def test_a_file_of_an_update_is_a_merge_patch(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_stdin(monkeypatch, '{"price": 0.29, "sku": null, "options": {"Flavour": null}}')
    over = ["--option", "Size=9", "--stock", "1"]
    assert typed("variants", "update", "albumen", ID, "--from", "-", *over).code == 0
    changed = kept(world)
    assert (str(changed.price), changed.sku, changed.stock_quantity) == ("0.29", None, 1)
    assert changed.options == {"Size": "9"}


def test_an_empty_patch_of_a_file_changes_nothing(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_stdin(monkeypatch, "{}")
    assert typed("variants", "update", "albumen", ID, "--from", "-").code == 0
    assert kept(world).version == 3


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
def test_wrong_usage_of_an_update_exits_with_2(
    typed: RunCommand, world: MemoryRuntime, words: list[str], sentence: str
) -> None:
    answer = typed("variants", "update", "albumen", ID, *words)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert answer.err.endswith("; see `eggypro variants update --help`.\n")
    assert kept(world).version == 3


@pytest.mark.parametrize("words", [["update", "--price", "1"], ["delete", "--yes"]])
def test_a_write_at_another_version_is_refused_and_changes_nothing(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    before = kept(world)
    command, *options = words
    answer = typed("variants", command, "albumen", ID, *options, "--version", "7")
    assert (answer.code, answer.out) == (1, "")
    assert "it is at version 3, not 7" in answer.err
    assert kept(world) == before
    assert typed("variants", command, "albumen", ID, *options, "--version", "3").code == 0


def test_a_variant_is_deleted_for_good(typed: RunCommand) -> None:
    answer = typed("variants", "delete", "albumen", ID, "--yes")
    assert answer == CommandResult(0, "Deleted variant 2 of 'albumen'.\n", "")
    assert typed("variants", "show", "albumen", ID, "--status", "all").code == 1
    assert typed("variants", "delete", "albumen", ID, "--yes").code == 1


def test_an_archived_variant_is_deleted_too_and_in_json_nothing_is_written(
    typed: RunCommand,
) -> None:
    assert typed("variants", "delete", "albumen", str(LARGE), "--yes", "--json") == CommandResult(
        0, "", ""
    )


@pytest.mark.parametrize(("reply", "code"), [("", 1), ("n\n", 1), ("y\n", 0)])
def test_a_deletion_asks_for_a_yes(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch, reply: str, code: int
) -> None:
    on_stdin(monkeypatch, reply)
    answer = typed("variants", "delete", "albumen", ID)
    assert answer.code == code
    assert answer.err.startswith("Permanently delete variant 2 of 'albumen'? [y/N]")
    assert world.shop.products.get("albumen").variant_count == code


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["set", "albumen", "40", "--variant", ID], 40),
        (["adjust", "albumen", "--by", "2", "--variant", ID], 5),
        (["adjust", "albumen", "--variant", ID, "--by", "-3"], 0),
    ],
)
def test_the_stock_of_a_variant_is_set_and_changed(
    typed: RunCommand, world: MemoryRuntime, words: list[str], left: int
) -> None:
    assert typed("stock", *words) == CommandResult(0, f"albumen, variant 2: {left} in stock\n", "")
    assert kept(world).stock_quantity == left
    assert world.shop.products.get("albumen").stock_quantity == left


def test_the_json_of_a_change_of_stock_is_the_body_of_http(typed: RunCommand) -> None:
    answer = typed("stock", "set", "albumen", "7", "--variant", ID, "--json")
    assert answer == CommandResult(0, '{"stock_quantity":7}\n', "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["set", "albumen", "-5", "--variant", ID], "Stock quantity cannot be negative"),
        (["adjust", "albumen", "--by", "-4", "--variant", ID], "The stock is 3: it cannot change"),
        (["adjust", "albumen", "--by", "9" * 100, "--variant", ID], "cannot change by 9999"),
        (["set", "albumen", "4"], "Stock quantity follows from the product's variants"),
        (["adjust", "albumen", "--by", "1"], "Stock quantity follows from the product's variants"),
    ],
)
def test_a_stock_that_cannot_be_is_refused_in_one_sentence(
    typed: RunCommand, world: MemoryRuntime, words: list[str], sentence: str
) -> None:
    answer = typed("stock", *words)
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 1
    assert sentence in answer.err
    assert kept(world).stock_quantity == 3


def test_the_card_of_a_product_shows_its_variants(typed: RunCommand) -> None:
    shown = " ".join(typed("products", "show", "albumen").out.split())
    assert "2: Size 1 kg, Flavour Salt; 24.99 EUR, 3 in stock, active" in shown
    assert "Size 2 kg" not in shown
    every = " ".join(typed("products", "show", "albumen", "--status", "all").out.split())
    assert "3: Size 2 kg; 40.00 EUR, 0 in stock, archived" in every


def test_the_card_of_a_product_without_variants_says_nothing_of_them(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop.products.create(product_values(name="Plain"))
    assert "variants" not in typed("products", "show", "plain").out


def test_a_card_that_cannot_show_all_variants_says_where_they_are(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    for number in range(MAX_EMBEDDED_VARIANTS - 2):
        world.shop.variants.create("albumen", variant_values(options={"Size": str(number)}))
    assert "lists all" not in typed("products", "show", "albumen").out
    for size in ("the hundredth", "the last"):
        world.shop.variants.create("albumen", variant_values(options={"Size": size}))
    shown = " ".join(typed("products", "show", "albumen").out.split())
    assert "`eggypro variants list albumen` lists all variants" in shown
    assert ("the hundredth" in shown, "the last" in shown) == (True, False)


@pytest.mark.parametrize("letter", ["卵", "W", "🥚"])
def test_whatever_the_texts_hold_80_columns_are_enough(
    typed: RunCommand, world: MemoryRuntime, letter: str
) -> None:
    options = {f"{name}{letter * 99}": letter * 255 for name in "abc"}
    prices = {"price": "999999.98", "compare_at_price": "999999.99", "stock_quantity": 2147483647}
    world.shop.products.create(product_values(name="Long"))
    texts = {"sku": letter * 100, "image": "https://x.example/" + "a" * 2000}
    made = world.shop.variants.create("long", variant_values(options=options, **prices, **texts))
    for words in (
        ["variants", "list", "long"],
        ["variants", "show", "long", str(made.id)],
        ["products", "show", "long"],
    ):
        out = typed(*words).out
        assert max(map(cell_len, out.splitlines())) <= 80
        assert out.count(letter) >= 3 * (99 + 255)
