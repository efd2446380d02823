"""Contract suite of `TokenSigner`."""

from collections.abc import Iterator, Mapping
from string import ascii_letters, digits

import pytest

from eggypro_core.access.authentication import TokenSigner
from eggypro_core.errors import UnauthenticatedError

CLAIMS = {"sub": "admin", "exp": 1767268800.000001, "permissions": ["a", "b"], "ü": {"x": None}}
INVALID_TOKENS = {
    "empty": "",
    "word": "egg",
    "dots": "..",
    "null byte": "\0",
    "surrogates": "\ud800.\ud800.\ud800",
    "non-ASCII letters": "é.é.é",
    "many characters": "a" * 1_000_000,
    "many dots": "." * 1_000_000,
}


class TokenSignerContract:
    """Subclasses provide the fixtures `signer` and `other_signer`, which has another key."""

    @pytest.fixture
    def signer(self) -> TokenSigner:
        raise NotImplementedError

    @pytest.fixture
    def other_signer(self) -> TokenSigner:
        """Return a signer with another key."""
        raise NotImplementedError

    @pytest.mark.parametrize("claims", [CLAIMS, {}, {"exp": 0}])
    def test_claims_come_back_as_they_were_signed(
        self, signer: TokenSigner, claims: Mapping[str, object]
    ) -> None:
        assert signer.verify(signer.sign(claims)) == claims

    def test_a_token_fits_in_a_header(self, signer: TokenSigner) -> None:
        token = signer.sign(CLAIMS)
        assert set(token) <= {*ascii_letters, *digits, *"-_."}
        assert len(token) < 1000

    @pytest.mark.parametrize("text", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
    def test_an_invalid_token_is_a_failure(self, signer: TokenSigner, text: str) -> None:
        with pytest.raises(UnauthenticatedError) as exc_info:
            signer.verify(text)
        assert exc_info.value.is_failure

    def test_a_token_signed_with_another_key_is_a_failure(
        self, signer: TokenSigner, other_signer: TokenSigner
    ) -> None:
        with pytest.raises(UnauthenticatedError) as exc_info:
            signer.verify(other_signer.sign(CLAIMS))
        assert exc_info.value.is_failure

    def test_an_altered_token_is_refused(self, signer: TokenSigner) -> None:
        token = signer.sign(CLAIMS)
        for altered in _alterations(token):
            with pytest.raises(UnauthenticatedError):
                signer.verify(altered)

    def test_the_repr_of_a_signer_holds_no_token(self, signer: TokenSigner) -> None:
        assert signer.sign(CLAIMS) not in repr(signer)


def _alterations(token: str) -> Iterator[str]:
    """Yield the token with characters replaced, removed, inserted and appended."""
    for index, letter in enumerate(token):
        before, after = token[:index], token[index + 1 :]
        yield from (f"{before}{other}{after}" for other in "AB=. \n" if other != letter)
        yield before + after
    # The last base64 letter has unused bits, so every other letter is tried there.
    yield from (token[:-1] + last for last in ascii_letters + digits if last != token[-1])
    yield from (token + suffix for suffix in ("=", "==", ".", "A", " ", "\n", token, "." + token))
