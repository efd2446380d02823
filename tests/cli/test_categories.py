"""`eggypro categories`."""

import io
import sys

import orjson
import pytest

from eggypro_core.categories import CategoryQuery
from eggypro_core.errors import NotFoundError
from eggypro_core.queries import Status
from eggypro_core.representation import category_body, category_page_body
from tests.builders import a_product
from tests.cli.world import Typed, World


@pytest.fixture(autouse=True)
def _tree(world: World) -> None:
    taxonomy = world.eggypro.taxonomy
    for name, parent in (
        ("Food", None),
        ("Powders", "food"),
        ("Bars", "food"),
        ("Vanilla", "bars"),
    ):
        taxonomy.add({"name": name, "parent": parent})
    taxonomy.add({"name": "Apparel"})
    world.eggypro.catalog.add(a_product(name="Egg", categories=["vanilla"]))


def test_a_list_is_the_whole_tree(typed: Typed) -> None:
    answer = typed("categories", "list")
    rows = [line.rstrip() for line in answer.out.splitlines()]
    assert [row.split() for row in rows] == [
        ["slug", "name", "products", "state"],
        ["apparel", "Apparel", "0", "active"],
        ["food", "Food", "1", "active"],
        ["bars", "Bars", "1", "active"],
        ["vanilla", "Vanilla", "1", "active"],
        ["powders", "Powders", "0", "active"],
        ["5", "in", "all"],
    ]
    indents = [len(row) - len(row.lstrip()) for row in rows[1:-1]]
    assert indents == [0, 0, 2, 4, 2]
    assert (answer.code, answer.err) == (0, "")


def test_a_tree_shows_what_hangs_below_what_is_not_shown(typed: Typed, world: World) -> None:
    world.eggypro.taxonomy.archive("bars")
    assert "vanilla" not in typed("categories", "list").out
    archived = typed("categories", "list", "--status", "archived").out.splitlines()
    assert [line.split()[::3] for line in archived] == [
        ["slug", "state"],
        ["bars", "archived"],
        ["vanilla", "hidden"],
        ["2"],
    ]
    assert archived[2].startswith("  vanilla")


def test_a_list_without_categories_says_so(typed: Typed) -> None:
    assert typed("categories", "list", "--status", "archived").out == "0 in all\n"


def test_a_list_of_a_parent_is_a_page(typed: Typed) -> None:
    answer = typed("categories", "list", "--parent", "food", "--limit", "1")
    assert [line.split()[0] for line in answer.out.splitlines()] == ["slug", "bars", "1", "For"]
    assert answer.out.endswith("For more, add --offset 1\n")
    following = typed("categories", "list", "--parent", "food", "--offset", "1")
    assert "powders" in following.out
    assert "For more" not in following.out
    roots = typed("categories", "list", "--parent", "none").out.splitlines()
    assert [line.split()[0] for line in roots] == ["slug", "apparel", "food", "2"]


def test_a_page_behind_a_cursor_tells_the_next_cursor(typed: Typed) -> None:
    first = orjson.loads(typed("categories", "list", "--limit", "1", "--json").out)
    cursor = first["next"].partition("cursor=")[2]
    second = typed("categories", "list", "--limit", "1", "--cursor", cursor).out
    third = typed("categories", "list", "--limit", "1", "--cursor", second.split()[-1]).out
    assert "bars" in second
    assert "food" in third


def test_the_json_of_a_list_is_the_body_of_http(typed: Typed, world: World) -> None:
    for words, query in (
        ([], CategoryQuery()),
        (["--limit", "2"], CategoryQuery(limit=2)),
        (["--parent", "none", "--status", "all"], CategoryQuery(parent="none", status=Status.ALL)),
    ):
        page = world.eggypro.taxonomy.page(query)
        body = orjson.dumps(category_page_body(page, query)).decode()
        assert typed("categories", "list", "--json", *words).out == f"{body}\n"


def test_wrong_options_are_wrong_usage(typed: Typed) -> None:
    answer = typed("categories", "list", "--limit", "1001")
    assert (answer.code, answer.out) == (2, "")
    assert "Limit too high (at most 1000)" in answer.err


def test_a_category_is_shown_and_its_json_is_the_body_of_http(typed: Typed, world: World) -> None:
    world.eggypro.taxonomy.change("bars", {"description": "[red]To bite[/red]"})
    answer = typed("categories", "show", "bars")
    assert "food > bars" in answer.out
    assert "[red]To bite[/red]" in answer.out
    body = orjson.dumps(category_body(world.eggypro.taxonomy.find("bars"))).decode()
    assert typed("categories", "show", "bars", "--json").out == f"{body}\n"


def test_an_unknown_category_is_refused_with_what_to_do(typed: Typed) -> None:
    answer = typed("categories", "show", "ham")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "There is no category 'ham'; `eggypro categories list --status all` shows what there is.\n"
    )
    problem = orjson.loads(typed("categories", "archive", "\udcff", "--json").err)
    assert problem["detail"] == "There is no category '?'"


def test_a_hidden_category_is_shown_only_when_asked_for(typed: Typed, world: World) -> None:
    world.eggypro.taxonomy.archive("food")
    assert typed("categories", "show", "bars").code == 1
    assert "hidden" in typed("categories", "show", "bars", "--status", "all").out


def test_a_category_is_created_and_changed(typed: Typed, world: World) -> None:
    created = typed("categories", "create", "Big bars", "--parent", "bars", "--json")
    assert (created.code, orjson.loads(created.out)["path"]) == (0, ["food", "bars", "big-bars"])
    words = ("--name", "Huge", "--slug", "huge", "--description", "Very", "--parent", "none")
    updated = typed("categories", "update", "big-bars", *words, "--json")
    found = world.eggypro.taxonomy.find("huge")
    assert updated.out == orjson.dumps(category_body(found)).decode() + "\n"
    assert (found.name, found.description, found.parent) == ("Huge", "Very", None)
    assert "Huge" in typed("categories", "update", "huge").out
    assert world.eggypro.taxonomy.find("huge") == found


def test_what_the_core_refuses_is_refused(typed: Typed) -> None:
    for words, reason in (
        (("create", "<b>"), "Name contains invalid characters"),
        (("create", "x", "--slug", "bars"), "belongs to another category"),
        (("update", "food", "--parent", "bars"), "cannot be below itself"),
        (("update", "food", "--parent", "ham"), "There is no category 'ham'"),
        (("link", "egg", "ham"), "There is no category 'ham'; `eggypro categories list"),
        (("link", "ham", "bars"), "There is no product 'ham'; `eggypro products list"),
    ):
        answer = typed("categories", *words)
        assert (answer.code, answer.out) == (1, "")
        assert reason in answer.err


def test_a_category_is_archived_and_restored(typed: Typed, world: World) -> None:
    assert "archived" in typed("categories", "archive", "food").out
    assert not world.eggypro.taxonomy.find("vanilla", Status.ALL).is_visible
    assert "active" in typed("categories", "restore", "food").out
    assert world.eggypro.taxonomy.find("vanilla").is_visible


@pytest.mark.parametrize(("answered", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_a_deletion_asks(
    typed: Typed, world: World, monkeypatch: pytest.MonkeyPatch, answered: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answered))
    answer = typed("categories", "delete", "bars")
    assert answer.code == code
    assert answer.err.startswith("Delete the category 'bars' for good? [y/N] ")
    assert answer.out == ("" if code else "Deleted 'bars'.\n")
    assert world.eggypro.taxonomy.find("vanilla").path == (
        ("food", "bars", "vanilla") if code else ("food", "vanilla")
    )


def test_a_deletion_that_is_sure_does_not_ask(typed: Typed, world: World) -> None:
    answer = typed("categories", "delete", "bars", "--yes", "--json")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    with pytest.raises(NotFoundError):
        world.eggypro.taxonomy.find("bars")


def test_a_product_is_put_in_and_taken_out(typed: Typed, world: World) -> None:
    assert typed("categories", "link", "egg", "powders").out == "'egg' is in 'powders'.\n"
    slugs = [one.slug for one in world.eggypro.catalog.find("egg").categories]
    assert slugs == ["powders", "vanilla"]
    inside = orjson.loads(typed("products", "list", "--category", "food", "--json").out)
    assert [one["slug"] for one in inside["items"][0]["categories"]] == slugs
    assert typed("categories", "unlink", "egg", "powders", "--json").out == ""
    unlinked = typed("categories", "unlink", "egg", "powders")
    assert (unlinked.code, unlinked.out) == (0, "'egg' is not in 'powders'.\n")


@pytest.mark.parametrize("words", [["list"], ["list", "--parent", "none"], ["show", "x" * 90]])
def test_long_names_stay_within_80_columns(typed: Typed, world: World, words: list[str]) -> None:
    parent = None
    for depth in range(12):
        name = "x" * 90 if depth == 0 else f"{'word ' * 18}{depth}"
        parent = world.eggypro.taxonomy.add({"name": name, "parent": parent}).slug
    lines = typed("categories", *words).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "x" * 20 in "".join(lines)
