"""The domain of the EggyPro catalogue: attrs and the standard library, nothing else."""

from eggypro_core.access.authentication import (
    AdminUser,
    Credential,
    Gate,
    Grant,
    Permission,
    Tokens,
    TokenWish,
)
from eggypro_core.access.rate_limiting import Limiter, Policy, Standing, Visit
from eggypro_core.domain.category import Category, CategoryChanges, CategoryDraft, CategoryQuery
from eggypro_core.domain.image import (
    Crop,
    ImageFormat,
    ImageSet,
    SignedUpload,
    StoredImage,
    Transformation,
)
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
from eggypro_core.domain.product_files import Export, ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.domain.product_query import ProductQuery, Sort, Suggestion
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery, ReviewStatus
from eggypro_core.domain.variant import Variant, VariantDraft, VariantQuery
from eggypro_core.errors import (
    ConfigurationError,
    ConflictError,
    EggyProError,
    Fault,
    ForbiddenError,
    InvalidError,
    MalformedError,
    MovedError,
    NotFoundError,
    RateLimitedError,
    ServiceFailedError,
    StaleError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from eggypro_core.operations.health import Health, HealthReport
from eggypro_core.operations.request_metrics import Activity, CallSummary, Monitor
from eggypro_core.search.zero_results import SearchMiss
from eggypro_core.services.categories import Taxonomy
from eggypro_core.services.image_uploads import ImageStorage
from eggypro_core.services.images import Gallery
from eggypro_core.services.products import Catalog
from eggypro_core.services.reviews import Feedback
from eggypro_core.services.variants import Assortment
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status

__all__ = [
    "Activity",
    "AdminUser",
    "Assortment",
    "CallSummary",
    "Catalog",
    "Category",
    "CategoryChanges",
    "CategoryDraft",
    "CategoryName",
    "CategoryQuery",
    "ConfigurationError",
    "ConflictError",
    "Credential",
    "Crop",
    "CursorPosition",
    "EggyProError",
    "Export",
    "Fault",
    "Feedback",
    "ForbiddenError",
    "Gallery",
    "Gate",
    "Grant",
    "Health",
    "HealthReport",
    "Image",
    "ImageFormat",
    "ImageSet",
    "ImageStorage",
    "ImportEntry",
    "ImportReport",
    "InvalidError",
    "Limiter",
    "ListedProduct",
    "MalformedError",
    "Monitor",
    "MovedError",
    "NotFoundError",
    "Notice",
    "OnConflict",
    "Page",
    "Permission",
    "Policy",
    "Product",
    "ProductChanges",
    "ProductDraft",
    "ProductQuery",
    "RateLimitedError",
    "Rating",
    "Review",
    "ReviewDraft",
    "ReviewQuery",
    "ReviewStatus",
    "SearchMiss",
    "ServiceFailedError",
    "Shop",
    "SignedUpload",
    "Sort",
    "StaleError",
    "Standing",
    "Status",
    "StoredImage",
    "Suggestion",
    "Taxonomy",
    "TokenWish",
    "Tokens",
    "TooLargeError",
    "Transformation",
    "UnauthenticatedError",
    "UnavailableError",
    "Variant",
    "VariantDraft",
    "VariantQuery",
    "Visit",
]
