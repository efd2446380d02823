"""What every TokenSigner must do."""

from collections.abc import Iterator, Mapping
from string import ascii_letters, digits

import pytest

from eggypro_core.access.authentication import TokenSigner
from eggypro_core.errors import UnauthenticatedError

CLAIMS = {"sub": "admin", "exp": 1767268800.000001, "permissions": ["a", "b"], "ü": {"x": None}}
INVALID_TOKENS = {
    "nothing": "",
    "a word": "egg",
    "dots": "..",
    "a null": "\0",
    "a surrogate": "\ud800.\ud800.\ud800",
    "other letters": "é.é.é",
    "very many characters": "a" * 1_000_000,
    "very many dots": "." * 1_000_000,
}


class TokenSignerContract:
    """A subclass gives the fixtures `signer` and `stranger`."""

    @pytest.fixture
    def signer(self) -> TokenSigner:
        raise NotImplementedError

    @pytest.fixture
    def stranger(self) -> TokenSigner:
        """Return a signer that has another key."""
        raise NotImplementedError

    @pytest.mark.parametrize("claims", [CLAIMS, {}, {"exp": 0}])
    def test_claims_come_back_as_they_were_signed(
        self, signer: TokenSigner, claims: Mapping[str, object]
    ) -> None:
        assert signer.verify(signer.sign(claims)) == claims

    def test_a_token_is_what_a_header_can_carry(self, signer: TokenSigner) -> None:
        token = signer.sign(CLAIMS)
        assert set(token) <= {*ascii_letters, *digits, *"-_."}
        assert len(token) < 1000

    @pytest.mark.parametrize("text", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
    def test_what_is_no_token_is_a_failure(self, signer: TokenSigner, text: str) -> None:
        with pytest.raises(UnauthenticatedError) as refused:
            signer.verify(text)
        assert refused.value.is_failure

    def test_a_token_of_another_key_is_a_failure(
        self, signer: TokenSigner, stranger: TokenSigner
    ) -> None:
        with pytest.raises(UnauthenticatedError) as refused:
            signer.verify(stranger.sign(CLAIMS))
        assert refused.value.is_failure

    def test_not_a_letter_of_a_token_can_be_altered(self, signer: TokenSigner) -> None:
        token = signer.sign(CLAIMS)
        for altered in _alterations(token):
            with pytest.raises(UnauthenticatedError):
                signer.verify(altered)

    def test_what_it_shows_of_itself_brings_nobody_in(self, signer: TokenSigner) -> None:
        assert signer.sign(CLAIMS) not in repr(signer)


def _alterations(token: str) -> Iterator[str]:
    """Yield the token with each of its characters altered, left out and doubled, and lengthened."""
    for place, letter in enumerate(token):
        before, after = token[:place], token[place + 1 :]
        yield from (f"{before}{other}{after}" for other in "AB=. \n" if other != letter)
        yield before + after
    # The last letter has bits to spare in base64: every other one is tried there.
    yield from (token[:-1] + last for last in ascii_letters + digits if last != token[-1])
    yield from (token + more for more in ("=", "==", ".", "A", " ", "\n", token, "." + token))
