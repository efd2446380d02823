"""Examples of parameters and bodies; tests send each of them to the demo catalogue."""

from collections.abc import Mapping

from eggypro_core.serializers import Json

PARAMETER_EXAMPLES: Mapping[str, Json] = {
    "slug": "vanilla-egg-white-protein",
    "category": "protein-powders",
    "job": "metrics",
    "q": "vanila",
    "batch": 1,
}
"""Examples of path variables and required query parameters, by name."""
_PRODUCT: Mapping[str, Json] = {
    "name": "Egg White Protein with Raspberries",
    "description": "Egg white protein with freeze-dried raspberries.",
    "details": "<p>74 g of protein in 100 g.</p>",
    "ingredients": ["Egg white powder (pasteurised) 92 %", "Raspberries 7 %", "Stevia"],
    "price": "34.99",
    "stock_quantity": 40,
}
_VARIANT: Mapping[str, Json] = {
    "options": {"Size": "2 kg"},
    "sku": "EGP-VAN-2000",
    "price": "74.99",
    "stock_quantity": 12,
}
_CATEGORY: Mapping[str, Json] = {
    "name": "Protein powders",
    "description": "For shakes and for baking.",
}
BODY_EXAMPLES: Mapping[str, Mapping[str, Json]] = {
    "ProductDraft": _PRODUCT,
    "ProductPut": _PRODUCT,
    "ProductPatch": {"price": "29.99", "compare_at_price": "34.99"},
    "StockChange": {"delta": -1, "reason": "sale", "reference": "order 1017"},
    "StockUpdate": {
        "items": [{"product": "vanilla-egg-white-protein", "delta": 0}],
        "reason": "sale",
        "reference": "order 1017",
    },
    "BulkUpdate": {
        "filter": {"category": "protein-powders"},
        "price": {"percent": "-20", "ending": "0.99", "keep_as_compare_at": True},
        "dry_run": True,
    },
    "VariantDraft": _VARIANT,
    "VariantPut": _VARIANT,
    "VariantPatch": {"price": "69.99"},
    "ReviewDraft": {
        "reviewer_name": "Ada",
        "rating": 5,
        "comment": "Dissolves without lumps, and tastes of vanilla.",
    },
    "ReviewModeration": {"is_verified": True},
    "CategoryDraft": _CATEGORY,
    "CategoryPut": {**_CATEGORY, "is_active": True},
    "ProductImagesRequest": {
        "images": [{"ref": "https://example.com/vanilla.jpg", "alt": "A tin"}]
    },
    "ImageUploadRequest": {"product": "vanilla-egg-white-protein"},
    "ApiKeyDraft": {"name": "storefront", "permissions": ["products:read"]},
    "TokenRequest": {"permissions": ["products:read"], "ttl_seconds": 3600},
}
"""An example of each JSON request body, by the name of its schema."""
