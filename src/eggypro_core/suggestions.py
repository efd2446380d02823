"""What a search box offers while somebody types."""

from collections.abc import Mapping

from attrs import frozen

from eggypro_core import rules
from eggypro_core.products import ListedProduct
from eggypro_core.queries import SEARCH

SUGGESTED = 10
"""How many products are offered at most."""
SUGGEST_PARAMETERS: Mapping[str, rules.Rule] = {"q": SEARCH}
"""What `read_typed` takes."""


@frozen
class Suggestion:
    """A product as it is offered: `image` is the reference of its first one, if it has any."""

    name: str
    slug: str
    image: str | None

    @classmethod
    def of(cls, product: ListedProduct) -> "Suggestion":
        """Return what is offered of a product."""
        image = product.images[0].ref if product.images else None
        return cls(product.name, product.slug, image)


def read_typed(params: Mapping[str, object]) -> str:
    """Check parameters of which there must be one, `q`, and return what was typed.

    Raises InvalidError.
    """
    return str(rules.check(params, SUGGEST_PARAMETERS, required=SUGGEST_PARAMETERS)["q"])
