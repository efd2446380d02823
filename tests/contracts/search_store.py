"""What a search must find, whatever keeps the shop: at once, and in its order."""

from attrs import frozen

from eggypro_core.ports import CategoryStore, ProductStore, ReviewStore, VariantStore


@frozen
class Stores:
    """The stores of one shop, all empty."""

    products: ProductStore
    categories: CategoryStore
    variants: VariantStore
    reviews: ReviewStore
