"""The domain of the EggyPro catalogue: attrs and the standard library, nothing else."""

from eggypro_core.access import AdminUser, Credential, Gate, Grant, Permission, Tokens, TokenWish
from eggypro_core.app import EggyPro
from eggypro_core.assortment import Assortment
from eggypro_core.catalog import Catalog
from eggypro_core.categories import (
    Category,
    CategoryChanges,
    CategoryDraft,
    CategoryQuery,
)
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
from eggypro_core.exports import Export
from eggypro_core.feedback import Feedback
from eggypro_core.gallery import Gallery
from eggypro_core.health import Health, HealthReport
from eggypro_core.images import (
    Crop,
    ImageFormat,
    ImageSet,
    SignedUpload,
    StoredImage,
    Transformation,
)
from eggypro_core.imports import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.limiter import Limiter, Visit
from eggypro_core.metrics import CallSummary
from eggypro_core.misses import SearchMiss
from eggypro_core.monitor import Activity, Monitor
from eggypro_core.paging import Page, Position
from eggypro_core.parameters import Status
from eggypro_core.products import (
    CategoryName,
    Image,
    ListedProduct,
    Product,
    ProductChanges,
    ProductDraft,
    Rating,
)
from eggypro_core.queries import ProductQuery, Sort
from eggypro_core.rates import Policy, Standing
from eggypro_core.reviews import Review, ReviewDraft, ReviewQuery, ReviewStatus
from eggypro_core.storage import ImageStorage
from eggypro_core.suggestions import Suggestion
from eggypro_core.taxonomy import Taxonomy
from eggypro_core.variants import Variant, VariantDraft, VariantQuery

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
    "EggyPro",
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
    "Position",
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
