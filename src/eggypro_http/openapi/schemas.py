"""What is sent and received, in the words of JSON Schema: bodies by the rules that check them."""

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from eggypro_core.access import authentication
from eggypro_core.domain import category, product, product_changes, product_fields, review, variant
from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.image import RESPONSIVE
from eggypro_core.maintenance import Job
from eggypro_core.operations.health import State, Status
from eggypro_core.search.query import Fit
from eggypro_core.search.text import Field
from eggypro_core.serializers import DETAIL_MEMBERS, LISTED_MEMBERS
from eggypro_core.services import images
from eggypro_core.validation.fields import Rule, Shape, nullable, shape_of
from eggypro_http.errors import LISTED

Shapes: TypeAlias = Mapping[str, Shape]

TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer"}
COUNT: Shape = {"type": "integer", "minimum": 0}
NUMBER: Shape = {"type": "number", "minimum": 0}
YES_OR_NO: Shape = {"type": "boolean"}
MONEY: Shape = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$", "examples": ["24.99"]}
TIME: Shape = {"type": "string", "format": "date-time"}
SLUG: Shape = {"type": "string", "pattern": "^[a-z0-9-]+$"}
TEXTS: Shape = {"type": "array", "items": TEXT}
FILE: Shape = {"type": "string", "contentMediaType": "application/octet-stream"}


def ref(name: str) -> Shape:
    """Return the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def some(item: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": item}


def whole(properties: Shapes, *, maybe: Collection[str] = (), **more: object) -> dict[str, Any]:
    """Return the shape of an object that has these and no others, all but some always."""
    required = [name for name in properties if name not in maybe]
    shape = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**shape, **({"required": required} if required else {}), **more}


def given(
    rules: Mapping[str, Rule], *, required: Collection[str] = (), but: Collection[str] = ()
) -> dict[str, Any]:
    """Return the shape of a body that rules check."""
    fields = {name: shape_of(rule) for name, rule in rules.items() if name not in but}
    return whole(fields, maybe=[name for name in fields if name not in required])


def _page(item: str, **beside: Shape) -> Shape:
    parts = {
        "items": some(ref(item)),
        "total": COUNT,
        "limit": COUNT,
        "offset": nullable(COUNT),
        "next": nullable({"type": "string", "format": "uri-reference"}),
        "total_capped": {"const": True},
        **beside,
    }
    return whole(parts, maybe=["total_capped", *beside])


_LINK = whole({"slug": SLUG, "name": TEXT})
_TYPE_SHAPES: Mapping[FieldType, Shape] = {
    FieldType.TEXT: TEXT,
    FieldType.MONEY: MONEY,
    FieldType.INTEGER: COUNT,
    FieldType.BOOLEAN: YES_OR_NO,
    FieldType.TEXT_LIST: TEXTS,
    FieldType.TEXT_MAP: {"type": "object", "additionalProperties": TEXT},
    FieldType.IMAGES: TEXTS,
}


def _field_shape(field: FieldDefinition) -> Shape:
    shape = _TYPE_SHAPES[field.type]
    return nullable(shape) if field.nullable else shape


_PRODUCT: Shapes = {
    **{field.name: _field_shape(field) for field in product_fields.PRODUCT_FIELDS},
    "id": WHOLE,
    "slug": SLUG,
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "created_at": TIME,
    "updated_at": TIME,
    "categories": some(_LINK),
    "variant_count": COUNT,
    "rating": whole({"average": nullable(MONEY), "count": COUNT}),
    "image_sets": some(ref("ImageSet")),
    "variants": some(ref("Variant")),
}
_LISTED: Shapes = {name: _PRODUCT[name] for name in LISTED_MEMBERS}
_TIER: Shapes = {
    "field": {"enum": ["sku", *(one.name.lower() for one in Field)]},
    "fit": {"enum": [one.name.lower() for one in Fit]},
}
_FINDING: Shapes = {
    "status": {"enum": [str(one) for one in State]},
    "timestamp": TIME,
    "responseTime": NUMBER,
}
_ANSWERS: Shapes = {
    "ListedProduct": whole(_LISTED),
    "Product": whole({name: _PRODUCT[name] for name in (*LISTED_MEMBERS, *DETAIL_MEMBERS)}),
    "ProductPage": _page("ListedProduct", facets=ref("Facets"), explain=ref("Explanation")),
    "Facets": whole(
        {
            "categories": some(whole({"slug": SLUG, "name": TEXT, "count": COUNT})),
            "price": whole({"min": nullable(MONEY), "max": nullable(MONEY)}),
            "in_stock": COUNT,
            "sampled": {"const": True},
        },
        maybe=["sampled"],
    ),
    "Explanation": whole(
        {
            "words": some({"type": "object", "required": ["word"]}),
            "items": some(
                whole(
                    {
                        "slug": SLUG,
                        **_TIER,
                        "rating": nullable(MONEY),
                        "in_stock": YES_OR_NO,
                        "relevance": WHOLE,
                        "words": some(whole({"word": TEXT, "found": TEXT, **_TIER})),
                    }
                )
            ),
        }
    ),
    "Suggestions": whole(
        {"items": some(whole({"name": TEXT, "slug": SLUG, "image": nullable(TEXT)}))}
    ),
    "Stock": whole({"stock_quantity": COUNT}),
    "Variant": whole(
        {"id": WHOLE, **{field.name: _field_shape(field) for field in variant.VARIANT_FIELDS}}
    ),
    "VariantPage": _page("Variant"),
    "Review": whole(
        {
            "id": WHOLE,
            "product": SLUG,
            "reviewer_name": TEXT,
            "reviewer_image_url": nullable(TEXT),
            "rating": {"type": "integer", "minimum": 1, "maximum": 5},
            "comment": TEXT,
            "image_url": nullable(TEXT),
            "video_url": nullable(TEXT),
            "is_verified": YES_OR_NO,
            "created_at": TIME,
        }
    ),
    "ReviewPage": _page("Review"),
    "Category": whole(
        {
            "id": WHOLE,
            "name": TEXT,
            "slug": SLUG,
            "description": nullable(TEXT),
            "parent": nullable(SLUG),
            "path": some(SLUG),
            "is_active": YES_OR_NO,
            "product_count": COUNT,
            "created_at": TIME,
        }
    ),
    "CategoryPage": _page("Category"),
    "ImageSet": whole(
        {
            "public_id": nullable(TEXT),
            "original": TEXT,
            "optimized": TEXT,
            "thumbnail": TEXT,
            "responsive": whole(dict.fromkeys(RESPONSIVE, TEXT)),
            "width": nullable(COUNT),
            "height": nullable(COUNT),
            "format": nullable(TEXT),
            "size": nullable(COUNT),
            "alt": nullable(TEXT),
        }
    ),
    "ImageSets": whole({"items": some(ref("ImageSet"))}),
    "ProductImages": whole({"images": TEXTS, "image_sets": some(ref("ImageSet"))}),
    "Upload": whole(
        {
            "id": TEXT,
            "url": TEXT,
            "fields": {"type": "object", "additionalProperties": TEXT},
            "expires_at": TIME,
        }
    ),
    "Grant": whole(
        {
            "user": whole(
                {
                    "id": TEXT,
                    "role": TEXT,
                    "permissions": some({"enum": [str(one) for one in authentication.Permission]}),
                    "last_login": nullable(TIME),
                }
            ),
            "token": nullable(TEXT),
            "expires_at": nullable(TIME),
        }
    ),
    "Liveness": whole({"status": {"enum": ["ok", "unavailable"]}}),
    "Upkept": whole(
        {
            "job": {"enum": [str(one) for one in Job]},
            "removed": WHOLE,
            "kept": WHOLE,
            "complete": YES_OR_NO,
        }
    ),
    "Health": whole(
        {
            "status": {"enum": [str(one) for one in Status]},
            "timestamp": TIME,
            "uptime": NUMBER,
            "responseTime": NUMBER,
            "services": whole(
                {
                    "database": whole({**_FINDING, "connection": {"enum": ["active", "inactive"]}}),
                    "cloudinary": whole(_FINDING),
                    "cache": whole(_FINDING),
                    "environment": whole(
                        {"database": YES_OR_NO, "cloudinary": YES_OR_NO, "admin": YES_OR_NO}
                    ),
                }
            ),
            "version": TEXT,
            "environment": TEXT,
        }
    ),
    "Metrics": whole(
        {
            "items": some(
                whole(
                    {
                        "endpoint": TEXT,
                        "method": TEXT,
                        "avgResponseTime": NUMBER,
                        "p50": NUMBER,
                        "p95": NUMBER,
                        "p99": NUMBER,
                        "totalRequests": COUNT,
                        "errorCount": COUNT,
                    }
                )
            )
        }
    ),
    "Figures": TEXT,
    "Description": {"type": "object"},
    "Page": TEXT,
    "Problem": whole(
        {
            "type": {"type": "string", "format": "uri-reference"},
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "request_id": TEXT,
            "errors": {**some(whole({"field": TEXT, "message": TEXT})), "maxItems": LISTED},
        },
        maybe=["errors"],
    ),
}
_LATER = ("images", "categories", "variants")
"""What a product has at addresses of its own, once it is there; variants always."""
_PUT = [name for name in product.REQUIRED if name != "price"]
"""What PUT needs; variants may set the price."""
_STOCK = {**given(product_changes.STOCK_FIELDS), "minProperties": 1, "maxProperties": 1}
_BODIES: Shapes = {
    "ProductDraft": given(product_changes.FIELDS, required=product.REQUIRED, but=["variants"]),
    "ProductPut": {
        **given(product_changes.FIELDS, required=_PUT, but=_LATER),
        "additionalProperties": True,  # what GET shows can be put back
    },
    "ProductPatch": given(product_changes.EDITS, but=_LATER),
    "StockChange": _STOCK,
    "VariantDraft": given(variant.FIELDS, required=variant.REQUIRED),
    "VariantPut": {
        **given(variant.FIELDS, required=variant.REQUIRED),
        "additionalProperties": True,
    },
    "VariantPatch": given(variant.EDITS),
    "ReviewDraft": given(review.FIELDS, required=review.REQUIRED),
    "Moderation": given(review.MODERATION, required=review.MODERATION),
    "CategoryDraft": given(category.FIELDS, required=["name"]),
    "CategoryPut": {
        **given(category.FIELDS, required=["name"]),
        "additionalProperties": True,
    },
    "ImageFiles": whole(
        {"file": {**some(FILE), "minItems": 1, "maxItems": images.FILES}},
    ),
    "SignedUpload": whole({"public_id": TEXT, "expires": TEXT, "signature": TEXT, "file": FILE}),
    "ImageOrder": whole({"images": shape_of(product_changes.FIELDS["images"])}),
    "UploadDraft": given(images.UPLOAD, required=images.UPLOAD),
    "TokenWish": given(authentication.WISHES),
}
SCHEMAS: Shapes = {**_ANSWERS, **_BODIES}
"""All of them, by the names that routes give."""
FORMS = frozenset({"ImageFiles", "SignedUpload"})
"""Those that come as a form."""
