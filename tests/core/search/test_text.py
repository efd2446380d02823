"""Tests of tokenising, stemming and typo detection."""
# ruff: noqa: RUF001  (letters of other scripts are what this module is about)

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.product_store import make_draft
from eggypro_core.search.text import (
    MAX_WORD_LENGTH,
    SEARCHABLE_FIELDS,
    SearchField,
    deletion_neighbours,
    document_terms,
    is_correctable,
    is_one_edit,
    is_typo_of,
    stem,
    stems_of,
    tokenize,
)

PLURALS = """
almonds=almond apples=apple apricots=apricot artichokes=artichoke avocados=avocado axes=axe
bananas=banana bars=bar batches=batch beans=bean berries=berry blouses=blouse boxes=box
bries=brie brownies=brownie bunches=bunch cakes=cake calories=calorie candies=candy
cashews=cashew cheeses=cheese cherries=cherry chips=chip cookies=cookie crisps=crisp dishes=dish
dresses=dress drinks=drink eggs=egg flakes=flake flavours=flavour fries=fry glasses=glass
kiwis=kiwi lotions=lotion lychees=lychee mangoes=mango mangos=mango menus=menu mixes=mix
mousses=mousse noodles=noodle nuts=nut olives=olive omelettes=omelette oranges=orange
pancakes=pancake pastries=pastry peaches=peach pies=pie pizzas=pizza potatoes=potato
powders=powder proteins=protein quiches=quiche radishes=radish recipes=recipe sandwiches=sandwich
sauces=sauce shakes=shake shoes=shoe smoothies=smoothie spices=spice strawberries=strawberry
tins=tin toes=toe tomatoes=tomato vitamins=vitamin watches=watch zucchinis=zucchini
"""
letters = st.text("abc", max_size=7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Egg White", "egg white"),
        ("Omega3 d'Été", "omega 3 d ete"),
        ("Ben's eggs, BEN’S EGGS", "ben eggs ben eggs"),
        ("500g", "500 g"),
        ("500 g", "500 g"),
        ("12 × 55 g", "12 55 g"),
        ("1.5kg/2,50€", "1 5 kg 2 50"),
        ("snake_case 100%", "snake case 100"),
        ("a&b|c!(d:*)'<->\\", "a b c d"),
        ("Straße ŁÓDŹ Œuf Smørrebrød", "strasse lodz oeuf smorrebrod"),
        ("ＦＵＬＬ ﬁne ½", "full fine 1 2"),
        ("Αβγά ΑΒΓΆ Οδός", "αβγα αβγα οδοσ"),
        ("Ёжик й", "ежик и"),
        ("蛋白粉", "蛋 白 粉"),
        ("蛋白 500g", "蛋 白 500 g"),
        ("ไข่", "ไ ข ่"),
        ("अंडा", "अंडा"),
        ("أحمد آب مُحَمَّد", "احمد اب محمد"),
        ("שָׁלוֹם", "שלום"),
        ("Pro\u00adtein choco\u200blate", "protein chocolate"),
        ("x" * (MAX_WORD_LENGTH + 1), f"{'x' * MAX_WORD_LENGTH} x"),
        ("1" * (MAX_WORD_LENGTH + 1), f"{'1' * MAX_WORD_LENGTH} 1"),
        ("🥚 ™ -", "tm"),
        ("", ""),
    ],
)
def test_tokenize_returns_words(text: str, words: str) -> None:
    assert tokenize(text) == words.split()


@given(st.text(max_size=80))
def test_tokenize_is_idempotent_and_removes_signs(text: str) -> None:
    words = tokenize(text)
    assert tokenize(" ".join(words)) == words
    for word in words:
        assert 1 <= len(word) <= MAX_WORD_LENGTH
        assert not set(word) & set("_ '\\:&|!()*<>#\"%")


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_ascii_text_has_the_same_words_within_other_text(text: str) -> None:
    assert tokenize(f"{text} é") == [*tokenize(text), "e"]


@pytest.mark.parametrize("pair", PLURALS.split())
def test_singular_and_plural_share_a_stem(pair: str) -> None:
    plural, _, word = pair.partition("=")
    assert stem(plural) == stem(word)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("bar", "bare"),
        ("oat", "oath"),
        ("glass", "glas"),
        ("bee", "be"),
        ("pie", "py"),
        ("rice", "ric"),
    ],
)
def test_different_words_have_different_stems(word: str, other: str) -> None:
    assert stem(word) != stem(other)


@given(st.text(max_size=12).filter(bool))
def test_stem_is_neither_empty_nor_longer_than_its_word(word: str) -> None:
    assert 1 <= len(stem(word)) <= len(word)
    assert stems_of([word]) == [stem(word)]


def test_document_terms_have_every_word_and_the_best_field_of_each_stem() -> None:
    product = make_draft(
        "Egg Bars",
        ingredients=("egg white", "salt"),
        description="Bars with sea salt",
        details="<p>Fish<b>&amp;</b>chips, no salt</p>",
        attributes={"Vendor": "Nest"},
    )
    terms = document_terms(product, ["Large"])
    assert terms.stems == {
        "egg": SearchField.NAME,
        "bar": SearchField.NAME,
        "white": SearchField.INGREDIENTS,
        "salt": SearchField.INGREDIENTS,
        "with": SearchField.DESCRIPTION,
        "sea": SearchField.DESCRIPTION,
        "fish": SearchField.DETAILS,
        "chip": SearchField.DETAILS,
        "no": SearchField.DETAILS,
        "nest": SearchField.DETAILS,
        "large": SearchField.DETAILS,
    }
    assert {"bars", "chips", "large"} < terms.words


def test_document_terms_read_only_searched_fields() -> None:
    read_fields = set()

    class RecordedProduct:
        def __getattr__(self, name: str) -> object:
            read_fields.add(name)
            return getattr(make_draft(), name)

    document_terms(cast("Any", RecordedProduct()))
    assert read_fields == SEARCHABLE_FIELDS


@pytest.mark.parametrize("word", ["egg", "straße", "белок", "अंडा"])
def test_words_of_letters_are_correctable(word: str) -> None:
    assert is_correctable(word)


@pytest.mark.parametrize("word", ["eg", "500", "१२३", ""])
def test_numbers_and_short_words_are_not_correctable(word: str) -> None:
    assert not is_correctable(word)


def test_deletion_neighbours_of_word_and_stem() -> None:
    assert deletion_neighbours("egg") == ["eg", "egg", "gg"]
    assert deletion_neighbours("eggs") == ["eg", "egg", "eggs", "egs", "gg", "ggs"]


@pytest.mark.parametrize(
    "typo", ["vanila", "vanillla", "vanolla", "vaniqlla", "avnilla", "vanilal"]
)
def test_one_edit_is_a_deletion_insertion_substitution_or_transposition(typo: str) -> None:
    assert is_one_edit("vanilla", typo)


@pytest.mark.parametrize("word", ["vanilla", "vanla", "vnalila", "vallina", "avnlila", ""])
def test_more_than_one_edit_is_not_one_edit(word: str) -> None:
    assert not is_one_edit("vanilla", word)


@given(letters, letters)
def test_one_edit_has_an_edit_distance_of_one(word: str, other: str) -> None:
    assert is_one_edit(word, other) == (distance(word, other) == 1)


@pytest.mark.parametrize("pair", "bery=berries almnods=almond snakc=snacks kwis=kiwi".split())
def test_typos_of_singular_and_plural_are_recognised(pair: str) -> None:
    typo, _, word = pair.partition("=")
    assert not is_one_edit(typo, word)
    assert is_typo_of(typo, word)
    assert set(deletion_neighbours(typo)) & set(deletion_neighbours(word))


@pytest.mark.parametrize("pair", "egg=eg egg=egg 500=501 bery=berrying".split())
def test_other_words_are_no_typos(pair: str) -> None:
    assert not is_typo_of(*pair.split("="))


@given(letters, st.data())
def test_words_one_edit_apart_share_a_deletion_neighbour(word: str, data: st.DataObject) -> None:
    other = data.draw(edited(word))
    assert distance(word, other) <= 1
    assert set(deletion_neighbours(word)) & set(deletion_neighbours(other))


@st.composite
def edited(draw: st.DrawFn, word: str) -> str:
    """Return the word with one edit of any kind, or unchanged if it is too short for the edit."""
    index, letter = draw(st.integers(0, len(word))), draw(st.sampled_from("abcd"))
    left, right = word[:index], word[index:]
    insertion, deletion = left + letter + right, left + right[1:]
    substitution, transposition = left + letter + right[1:], left + right[1::-1] + right[2:]
    return draw(st.sampled_from([insertion, deletion, substitution, transposition]))


def distance(word: str, other: str) -> int:
    """Return the optimal string alignment distance by the textbook algorithm."""
    table = {(-1, -1): 0}
    table |= {(row, -1): row + 1 for row in range(len(word))}
    table |= {(-1, column): column + 1 for column in range(len(other))}
    for row in range(len(word)):
        for column in range(len(other)):
            is_different = word[row] != other[column]
            table[row, column] = min(
                table[row - 1, column] + 1,
                table[row, column - 1] + 1,
                table[row - 1, column - 1] + is_different,
            )
            if row and column and word[row - 1 : row + 1] == other[column - 1 : column + 1][::-1]:
                swapped = table[row - 2, column - 2] + 1
                table[row, column] = min(table[row, column], swapped)
    return table[len(word) - 1, len(other) - 1]
