"""Removal of zero-width characters and direction marks."""
# ruff: noqa: RUF001  (letters of other scripts are what this module is about)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.validation.invisible import remove_invisible

INVISIBLE = [
    *("\u00ad", "\u061c", "\u180e", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f"),
    *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2066", "\u2067"),
    *("\u2068", "\u2069", "\ufeff", "\u3164", "\U000e0061"),
]
LEGITIMATE = {
    "Persian": "نرم\u200cافزار",
    "Persian number": "۲\u200cنفره",
    "Hindi": "क्\u200dष",
    "Bengali": "র\u200d্যাম",
    "Malayalam": "അവന്\u200d",
    "woman with a laptop": "👩\u200d💻",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "astronaut": "🧑🏽\u200d🚀",
    "rainbow flag": "🏳\ufe0f\u200d🌈",
    "shaking head": "🙂\u200d↔\ufe0f",
    "England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
}


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_invisible_characters_are_removed(character: str) -> None:
    assert remove_invisible(f"{character}Te{character}a {character}1{character}") == "Tea 1"


@pytest.mark.parametrize("text", LEGITIMATE.values(), ids=LEGITIMATE)
def test_joiners_remain_where_scripts_and_emoji_need_them(text: str) -> None:
    assert remove_invisible(f"Tea {text}!") == f"Tea {text}!"


def test_repeated_joiners_become_one() -> None:
    assert remove_invisible("نرم\u200c\u200c\u200dافزار") == "نرم\u200cافزار"


@given(st.text(st.sampled_from([*INVISIBLE, "a", "\u0627", "\u094d", "💻", "\ufe0f", "🏴", " "])))
def test_removal_is_idempotent(text: str) -> None:
    once = remove_invisible(text)
    assert remove_invisible(once) == once
