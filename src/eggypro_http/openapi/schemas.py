"""JSON schemas of request and response bodies, derived from the validators where possible."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from eggypro_core.access import api_keys, authentication
from eggypro_core.domain import (
    bulk_update,
    category,
    product,
    product_changes,
    product_fields,
    review,
    stock_change,
    variant,
)
from eggypro_core.domain.event import EventType
from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.image import RESPONSIVE_RENDITIONS
from eggypro_core.domain.origin import Source
from eggypro_core.maintenance import MaintenanceJob
from eggypro_core.operations.health import HealthStatus, ServiceStatus
from eggypro_core.search.query import MatchKind
from eggypro_core.search.text import SearchField
from eggypro_core.serializers import DETAIL_MEMBERS, LISTED_MEMBERS
from eggypro_core.services import images
from eggypro_core.validation.fields import Schema, Validator, nullable_schema, schema_of
from eggypro_http.errors import MAX_ERRORS

Schemas: TypeAlias = Mapping[str, Schema]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
MONEY: Schema = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$", "examples": ["24.99"]}
TIME: Schema = {"type": "string", "format": "date-time"}
SLUG: Schema = {"type": "string", "pattern": "^[a-z0-9-]+$"}
STRINGS: Schema = {"type": "array", "items": STRING}
BINARY: Schema = {"type": "string", "format": "binary"}
"""Bytes. Most generators of clients still use the `format` of OpenAPI 3.0."""
FILE: Schema = {**BINARY, "contentMediaType": "application/octet-stream"}


def one_of(choices: Iterable[object]) -> Schema:
    """Return the schema of a string that is one of `choices`."""
    return {"type": "string", "enum": [str(choice) for choice in choices]}


def true_flag(description: str) -> Schema:
    """Return the schema of a flag that is true or absent.

    A plain boolean: generators make invalid code of a `const` or `enum` that has no strings.
    """
    return {"type": "boolean", "description": description}


def schema_ref(name: str) -> Schema:
    """Return a reference to the component schema `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(item: Schema) -> Schema:
    """Return the schema of an array of items."""
    return {"type": "array", "items": item}


def closed_object(
    properties: Schemas, *, optional: Collection[str] = (), **keywords: object
) -> dict[str, Any]:
    """Return the schema of an object with no other properties; all but `optional` are required."""
    required = [name for name in properties if name not in optional]
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**schema, **({"required": required} if required else {}), **keywords}


def request_body(
    validators: Mapping[str, Validator],
    *,
    required: Collection[str] = (),
    excluded: Collection[str] = (),
) -> dict[str, Any]:
    """Return the schema of a body that is checked by `validators`, without excluded fields."""
    fields = {
        name: schema_of(validator) for name, validator in validators.items() if name not in excluded
    }
    return closed_object(fields, optional=[name for name in fields if name not in required])


def _page(item: str, **extra: Schema) -> Schema:
    properties = {
        "items": array_of(schema_ref(item)),
        "total": COUNT,
        "limit": COUNT,
        "offset": nullable_schema(COUNT),
        "next": nullable_schema({"type": "string", "format": "uri-reference"}),
        "total_capped": true_flag("Present if `total` is a lower bound."),
        **extra,
    }
    return closed_object(properties, optional=["total_capped", *extra])


_LINK = closed_object({"slug": SLUG, "name": STRING})
_TYPE_SCHEMAS: Mapping[FieldType, Schema] = {
    FieldType.TEXT: STRING,
    FieldType.MONEY: MONEY,
    FieldType.INTEGER: COUNT,
    FieldType.BOOLEAN: BOOLEAN,
    FieldType.TEXT_LIST: STRINGS,
    FieldType.TEXT_MAP: {"type": "object", "additionalProperties": STRING},
    FieldType.IMAGES: STRINGS,
}


def _field_schema(field: FieldDefinition) -> Schema:
    schema = _TYPE_SCHEMAS[field.type]
    return nullable_schema(schema) if field.nullable else schema


_PRODUCT: Schemas = {
    **{field.name: _field_schema(field) for field in product_fields.PRODUCT_FIELDS},
    "id": INTEGER,
    "slug": SLUG,
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "created_at": TIME,
    "updated_at": TIME,
    "categories": array_of(_LINK),
    "variant_count": COUNT,
    "rating": closed_object({"average": nullable_schema(MONEY), "count": COUNT}),
    "image_sets": array_of(schema_ref("ImageSet")),
    "variants": array_of(schema_ref("Variant")),
}
_LIST_ITEM: Schemas = {name: _PRODUCT[name] for name in LISTED_MEMBERS}
_TIER: Schemas = {
    "field": one_of(["sku", *(field.name.lower() for field in SearchField)]),
    "fit": one_of(kind.name.lower() for kind in MatchKind),
}
_CHECK_RESULT: Schemas = {
    "status": one_of(ServiceStatus),
    "timestamp": TIME,
    "responseTime": NUMBER,
}
_PROBLEM: Schemas = {
    "type": {
        "type": "string",
        "format": "uri-reference",
        "description": "The problem type: each response lists those of its status.",
    },
    "title": STRING,
    "status": INTEGER,
    "detail": STRING,
    "request_id": STRING,
    "errors": {
        **array_of(closed_object({"field": STRING, "message": STRING})),
        "maxItems": MAX_ERRORS,
    },
}
_IMPORT_MESSAGE = closed_object(
    {"line": COUNT, "column": STRING, "field": STRING, "value": STRING, "message": STRING}
)
_TEXTS_BEFORE_AND_AFTER: Schema = {
    "type": "array",
    "items": nullable_schema(STRING),
    "minItems": 2,
    "maxItems": 2,
}
_IMPORT_DIFFERENCE = closed_object(
    {
        "slug": SLUG,
        "action": one_of(("created", "updated")),
        "fields": {"type": "object", "additionalProperties": _TEXTS_BEFORE_AND_AFTER},
    }
)
_IMPORT_REPORT: Schemas = {
    "batch": nullable_schema(INTEGER),
    "applied": BOOLEAN,
    "created": COUNT,
    "changed": COUNT,
    "unchanged": COUNT,
    "refused": array_of(_IMPORT_MESSAGE),
    "refused_total": COUNT,
    "warnings": array_of(_IMPORT_MESSAGE),
    "warnings_total": COUNT,
    "changes": array_of(_IMPORT_DIFFERENCE),
    "changes_total": COUNT,
    "new_categories": STRINGS,
    "dry_run": BOOLEAN,
}
_ORIGIN: Schemas = {
    "actor": nullable_schema(STRING),
    "source": one_of(Source),
    "request_id": nullable_schema(STRING),
    "reason": nullable_schema(STRING),
    "reference": nullable_schema(STRING),
}
_EVENT: Schemas = {
    "id": INTEGER,
    "type": one_of(EventType),
    "batch": INTEGER,
    "at": TIME,
    **_ORIGIN,
    "subject": closed_object(
        {
            "type": one_of(dict.fromkeys(kind.subject_type for kind in EventType)),
            "id": INTEGER,
            "slug": nullable_schema(STRING),
            "name": STRING,
        }
    ),
    "version": nullable_schema(INTEGER),
    "changes": nullable_schema(
        {
            "type": "object",
            "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2},
            "description": "The value of each changed field before and after; of long texts,"
            " images and attributes, the length and the start of each.",
        }
    ),
}
_API_KEY: Schemas = {
    "id": INTEGER,
    "name": STRING,
    "prefix": STRING,
    "permissions": array_of(one_of(authentication.Permission)),
    "created_at": TIME,
    "expires_at": nullable_schema(TIME),
    "last_used_at": nullable_schema(TIME),
    "revoked_at": nullable_schema(TIME),
}
_RESPONSES: Schemas = {
    "Event": closed_object(_EVENT),
    "EventPage": closed_object(
        {"items": array_of(schema_ref("Event")), "next_cursor": nullable_schema(STRING)}
    ),
    "StockLevels": closed_object(
        {
            "items": array_of(
                closed_object(
                    {"product": SLUG, "variant": nullable_schema(INTEGER), "stock_quantity": COUNT}
                )
            )
        }
    ),
    "BulkReport": closed_object(
        {
            "batch": nullable_schema(INTEGER),
            "matched": COUNT,
            "changed": COUNT,
            "changes": array_of(
                closed_object(
                    {
                        "slug": SLUG,
                        "fields": {
                            "type": "object",
                            "additionalProperties": {
                                "type": "array",
                                "minItems": 2,
                                "maxItems": 2,
                            },
                        },
                    }
                )
            ),
            "warnings": STRINGS,
            "dry_run": BOOLEAN,
        }
    ),
    "UndoReport": closed_object(
        {
            "batch": nullable_schema(INTEGER),
            "reverted": COUNT,
            "kept": array_of(
                closed_object({"slug": STRING, "field": nullable_schema(STRING), "message": STRING})
            ),
            "dry_run": BOOLEAN,
        }
    ),
    "Batch": closed_object({"id": INTEGER, "at": TIME, **_ORIGIN, "events": COUNT}),
    "BatchPage": closed_object(
        {"items": array_of(schema_ref("Batch")), "next_before": nullable_schema(INTEGER)}
    ),
    "ImportReport": closed_object(_IMPORT_REPORT),
    "ListedProduct": closed_object(_LIST_ITEM),
    "Product": closed_object({name: _PRODUCT[name] for name in (*LISTED_MEMBERS, *DETAIL_MEMBERS)}),
    "ProductPage": _page(
        "ListedProduct", facets=schema_ref("Facets"), explain=schema_ref("Explanation")
    ),
    "Facets": closed_object(
        {
            "categories": array_of(closed_object({"slug": SLUG, "name": STRING, "count": COUNT})),
            "price": closed_object({"min": nullable_schema(MONEY), "max": nullable_schema(MONEY)}),
            "in_stock": COUNT,
            "sampled": true_flag("Present if the counts are estimates from a sample."),
        },
        optional=["sampled"],
    ),
    "Explanation": closed_object(
        {
            "words": array_of({"type": "object", "required": ["word"]}),
            "items": array_of(
                closed_object(
                    {
                        "slug": SLUG,
                        **_TIER,
                        "rating": nullable_schema(MONEY),
                        "in_stock": BOOLEAN,
                        "relevance": INTEGER,
                        "words": array_of(
                            closed_object({"word": STRING, "found": STRING, **_TIER})
                        ),
                    }
                )
            ),
        }
    ),
    "Suggestions": closed_object(
        {
            "items": array_of(
                closed_object({"name": STRING, "slug": SLUG, "image": nullable_schema(STRING)})
            )
        }
    ),
    "StockQuantity": closed_object({"stock_quantity": COUNT}),
    "Variant": closed_object(
        {"id": INTEGER, **{field.name: _field_schema(field) for field in variant.VARIANT_FIELDS}}
    ),
    "VariantPage": _page("Variant"),
    "Review": closed_object(
        {
            "id": INTEGER,
            "product": SLUG,
            "reviewer_name": STRING,
            "reviewer_image_url": nullable_schema(STRING),
            "rating": {"type": "integer", "minimum": 1, "maximum": 5},
            "comment": STRING,
            "image_url": nullable_schema(STRING),
            "video_url": nullable_schema(STRING),
            "is_verified": BOOLEAN,
            "created_at": TIME,
        }
    ),
    "ReviewPage": _page("Review"),
    "Category": closed_object(
        {
            "id": INTEGER,
            "name": STRING,
            "slug": SLUG,
            "description": nullable_schema(STRING),
            "parent": nullable_schema(SLUG),
            "path": array_of(SLUG),
            "is_active": BOOLEAN,
            "product_count": COUNT,
            "created_at": TIME,
        }
    ),
    "CategoryPage": _page("Category"),
    "ImageSet": closed_object(
        {
            "public_id": nullable_schema(STRING),
            "original": STRING,
            "optimized": STRING,
            "thumbnail": STRING,
            "responsive": closed_object(dict.fromkeys(RESPONSIVE_RENDITIONS, STRING)),
            "width": nullable_schema(COUNT),
            "height": nullable_schema(COUNT),
            "format": nullable_schema(STRING),
            "size": nullable_schema(COUNT),
            "alt": nullable_schema(STRING),
        }
    ),
    "ImageSets": closed_object({"items": array_of(schema_ref("ImageSet"))}),
    "ProductImages": closed_object(
        {"images": STRINGS, "image_sets": array_of(schema_ref("ImageSet"))}
    ),
    "ImageUpload": closed_object(
        {
            "id": STRING,
            "url": STRING,
            "fields": {"type": "object", "additionalProperties": STRING},
            "expires_at": TIME,
        }
    ),
    "TokenResponse": closed_object(
        {
            "user": closed_object(
                {
                    "id": STRING,
                    "role": STRING,
                    "permissions": array_of(one_of(authentication.TOKEN_PERMISSIONS)),
                    "last_login": nullable_schema(TIME),
                }
            ),
            "token": STRING,
            "expires_at": TIME,
        }
    ),
    "ApiKey": closed_object(_API_KEY),
    "ApiKeyList": closed_object({"items": array_of(schema_ref("ApiKey"))}),
    "CreatedApiKey": closed_object({**_API_KEY, "key": STRING}),
    "Readiness": closed_object({"status": one_of(("ok", "unavailable"))}),
    "MaintenanceResult": closed_object(
        {
            "job": one_of(MaintenanceJob),
            "removed": INTEGER,
            "kept": INTEGER,
            "complete": BOOLEAN,
        }
    ),
    "Health": closed_object(
        {
            "status": one_of(HealthStatus),
            "timestamp": TIME,
            "uptime": NUMBER,
            "responseTime": NUMBER,
            "services": closed_object(
                {
                    "database": closed_object(
                        {**_CHECK_RESULT, "connection": one_of(("active", "inactive"))}
                    ),
                    "cloudinary": closed_object(_CHECK_RESULT),
                    "cache": closed_object(_CHECK_RESULT),
                    "environment": closed_object(
                        {"database": BOOLEAN, "cloudinary": BOOLEAN, "admin": BOOLEAN}
                    ),
                }
            ),
            "version": STRING,
            "environment": STRING,
        }
    ),
    "RequestMetrics": closed_object(
        {
            "items": array_of(
                closed_object(
                    {
                        "endpoint": STRING,
                        "method": STRING,
                        "avgResponseTime": NUMBER,
                        "p50": NUMBER,
                        "p95": NUMBER,
                        "p99": NUMBER,
                        "totalRequests": COUNT,
                        "errorCount": COUNT,
                    }
                )
            ),
            "sampled": BOOLEAN,
        },
        optional=["sampled"],
    ),
    "PrometheusMetrics": STRING,
    "OpenApiDocument": {"type": "object"},
    "ProblemPage": STRING,
    "Problem": closed_object(_PROBLEM, optional=["errors"]),
    "ImportRefusal": closed_object({**_PROBLEM, **_IMPORT_REPORT}, optional=["errors"]),
}
_OWN_RESOURCES = ("images", "categories", "variants")
"""Fields of an existing product that are changed through their own URLs."""
_REQUIRED_BY_PUT = [name for name in product.REQUIRED_FIELDS if name != "price"]
"""The fields that PUT requires; the price may come from variants."""
_STOCK = {**request_body(product_changes.STOCK_FIELDS), "minProperties": 1, "maxProperties": 1}
_REQUESTS: Schemas = {
    "ProductDraft": request_body(
        product_changes.PRODUCT_VALIDATORS,
        required=product.REQUIRED_FIELDS,
        excluded=["variants"],  # always have their own URL
    ),
    "ProductPut": {
        **request_body(
            product_changes.PRODUCT_VALIDATORS, required=_REQUIRED_BY_PUT, excluded=_OWN_RESOURCES
        ),
        "additionalProperties": True,  # the body of GET can be sent back
    },
    "ProductPatch": request_body(product_changes.PRODUCT_PATCH_VALIDATORS, excluded=_OWN_RESOURCES),
    "StockChange": _STOCK,
    "StockUpdate": request_body(stock_change.STOCK_UPDATE_VALIDATORS, required=("items",)),
    "BulkUpdate": request_body(bulk_update.BULK_UPDATE_VALIDATORS),
    "VariantDraft": request_body(variant.VARIANT_VALIDATORS, required=variant.REQUIRED_FIELDS),
    "VariantPut": {
        **request_body(variant.VARIANT_VALIDATORS, required=variant.REQUIRED_FIELDS),
        "additionalProperties": True,
    },
    "VariantPatch": request_body(variant.VARIANT_PATCH_VALIDATORS),
    "ReviewDraft": request_body(review.REVIEW_VALIDATORS, required=review.REQUIRED_FIELDS),
    "ReviewModeration": request_body(
        review.MODERATION_VALIDATORS, required=review.MODERATION_VALIDATORS
    ),
    "CategoryDraft": request_body(category.CATEGORY_VALIDATORS, required=["name"]),
    "CategoryPut": {
        **request_body(category.CATEGORY_VALIDATORS, required=["name"]),
        "additionalProperties": True,
    },
    "ImageUploadForm": closed_object(
        {"file": {**array_of(FILE), "minItems": 1, "maxItems": images.MAX_UPLOAD_FILES}},
    ),
    "SignedUpload": closed_object(
        {"public_id": STRING, "expires": STRING, "signature": STRING, "file": FILE}
    ),
    "ProductImagesRequest": closed_object(
        {"images": schema_of(product_changes.PRODUCT_VALIDATORS["images"])}
    ),
    "ImageUploadRequest": request_body(images.UPLOAD_VALIDATORS, required=images.UPLOAD_VALIDATORS),
    "ImportedFile": FILE,
    "TokenRequest": request_body(authentication.TOKEN_REQUEST_VALIDATORS),
    "ApiKeyDraft": request_body(api_keys.API_KEY_VALIDATORS, required=api_keys.REQUIRED_FIELDS),
}
SCHEMAS: Schemas = {**_RESPONSES, **_REQUESTS}
"""All component schemas by name."""
FILE_SCHEMAS = frozenset({"ImportedFile"})
"""The schemas of files."""
MULTIPART_SCHEMAS = frozenset({"ImageUploadForm", "SignedUpload"})
"""The schemas of multipart forms."""
