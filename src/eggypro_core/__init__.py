"""Core of the EggyPro catalogue: records, rules, ports and services."""

from eggypro_core.access.api_keys import ApiKey, ApiKeyDraft, CreatedApiKey
from eggypro_core.access.authentication import (
    AdminUser,
    Authenticator,
    Credential,
    Permission,
    TokenRequest,
    TokenResponse,
    TokenService,
)
from eggypro_core.access.rate_limiting import (
    Admission,
    RateLimiter,
    RateLimitPolicy,
    RateLimitStatus,
)
from eggypro_core.domain.category import Category, CategoryChanges, CategoryDraft, CategoryQuery
from eggypro_core.domain.event import Event, EventType, Subject
from eggypro_core.domain.event_query import Batch, BatchQuery, EventPage, EventQuery
from eggypro_core.domain.image import (
    Crop,
    ImageFormat,
    ImageSet,
    SignedUpload,
    StoredImage,
    Transformation,
)
from eggypro_core.domain.origin import Origin, Source, writing_as
from eggypro_core.domain.pagination import CursorPosition, Page
from eggypro_core.domain.product import (
    CategoryName,
    Image,
    ListedProduct,
    Product,
    ProductDraft,
    Rating,
)
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import (
    CatalogSnapshot,
    ConflictPolicy,
    ExportReport,
    ImportDifference,
    ImportEntry,
    ImportFile,
    ImportMessage,
    ImportOptions,
    ImportReport,
    MissingStock,
    StockEntry,
    StockFile,
)
from eggypro_core.domain.product_query import ProductQuery, Sort, Suggestion
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery, ReviewStatus
from eggypro_core.domain.variant import Variant, VariantDraft, VariantQuery
from eggypro_core.errors import (
    ConfigurationError,
    ConflictError,
    EggyProError,
    FieldError,
    ForbiddenError,
    NotConfiguredError,
    NotFoundError,
    ParseError,
    RateLimitedError,
    SlugMovedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UpstreamError,
    ValidationError,
    VersionConflictError,
)
from eggypro_core.operations.health import Health, HealthReport
from eggypro_core.operations.request_metrics import RequestActivity, RequestMetrics, RequestSummary
from eggypro_core.search.zero_results import ZeroResultSearch
from eggypro_core.services.api_keys import ApiKeyService
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.events import EventService
from eggypro_core.services.image_uploads import ImageUploads
from eggypro_core.services.images import ProductImageService
from eggypro_core.services.products import ProductService
from eggypro_core.services.reviews import ReviewService
from eggypro_core.services.variants import VariantService
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status

__all__ = [
    "AdminUser",
    "Admission",
    "ApiKey",
    "ApiKeyDraft",
    "ApiKeyService",
    "Authenticator",
    "Batch",
    "BatchQuery",
    "CatalogSnapshot",
    "Category",
    "CategoryChanges",
    "CategoryDraft",
    "CategoryName",
    "CategoryQuery",
    "CategoryService",
    "ConfigurationError",
    "ConflictError",
    "ConflictPolicy",
    "CreatedApiKey",
    "Credential",
    "Crop",
    "CursorPosition",
    "EggyProError",
    "Event",
    "EventPage",
    "EventQuery",
    "EventService",
    "EventType",
    "ExportReport",
    "FieldError",
    "ForbiddenError",
    "Health",
    "HealthReport",
    "Image",
    "ImageFormat",
    "ImageSet",
    "ImageUploads",
    "ImportDifference",
    "ImportEntry",
    "ImportFile",
    "ImportMessage",
    "ImportOptions",
    "ImportReport",
    "ListedProduct",
    "MissingStock",
    "NotConfiguredError",
    "NotFoundError",
    "Origin",
    "Page",
    "ParseError",
    "Permission",
    "Product",
    "ProductChanges",
    "ProductDraft",
    "ProductImageService",
    "ProductQuery",
    "ProductService",
    "RateLimitPolicy",
    "RateLimitStatus",
    "RateLimitedError",
    "RateLimiter",
    "Rating",
    "RequestActivity",
    "RequestMetrics",
    "RequestSummary",
    "Review",
    "ReviewDraft",
    "ReviewQuery",
    "ReviewService",
    "ReviewStatus",
    "Shop",
    "SignedUpload",
    "SlugMovedError",
    "Sort",
    "Source",
    "Status",
    "StockEntry",
    "StockFile",
    "StoredImage",
    "Subject",
    "Suggestion",
    "TokenRequest",
    "TokenResponse",
    "TokenService",
    "TooLargeError",
    "Transformation",
    "UnauthenticatedError",
    "UnavailableError",
    "UpstreamError",
    "ValidationError",
    "Variant",
    "VariantDraft",
    "VariantQuery",
    "VariantService",
    "VersionConflictError",
    "ZeroResultSearch",
    "writing_as",
]
