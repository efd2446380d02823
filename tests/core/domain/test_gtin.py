import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_core.domain.gtin import is_gtin


@pytest.mark.parametrize(
    "gtin",
    ["96385074", "036000291452", "4006381333931", "0614141123452", "10614141543219", "00000000"],
)
def test_published_examples_are_gtins(gtin: str) -> None:
    assert is_gtin(gtin)


@pytest.mark.parametrize(
    "text",
    ["", "0", "4006381333930", "400638133393", "400638133393 1", "4006381333931\n", "²²²²²²²²"],
)
def test_other_texts_are_no_gtins(text: str) -> None:
    assert not is_gtin(text)


@given(strategies.gtins, st.data())
def test_a_changed_digit_is_detected(gtin: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(gtin) - 1))
    digit = data.draw(st.sampled_from("0123456789".replace(gtin[position], "")))
    assert is_gtin(gtin)
    assert not is_gtin(f"{gtin[:position]}{digit}{gtin[position + 1 :]}")
