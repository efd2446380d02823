"""Problem types (RFC 9457): one for each cause of an error that clients treat differently."""

from collections.abc import Mapping

from attrs import frozen


@frozen
class ProblemType:
    """A problem type: its code, HTTP status, title, meaning and remedy.

    `status` is None for errors of the command line only.
    """

    code: str
    status: int | None
    title: str
    meaning: str
    remedy: str

    @property
    def path(self) -> str:
        """Return the `type` of problem JSON, where the page of this type is served."""
        return f"/problems/{self.code}"

    @property
    def http_status(self) -> int:
        """Return the status of a response: 500 for errors of the command line only."""
        return self.status or 500


INTERNAL_ERROR = "internal-error"
NOT_FOUND = "not-found"
BAD_REQUEST = "malformed-request"
IMPORT_REFUSED = "import-refused"

_TYPES = (
    ProblemType(
        "slug-moved",
        308,
        "Slug moved",
        "The product has a new slug.",
        "Follow the Location header, and store the new slug.",
    ),
    ProblemType(
        BAD_REQUEST,
        400,
        "Malformed request",
        "The request cannot be parsed: malformed JSON, a truncated body, or an invalid cursor.",
        "Correct the request as `detail` says. Use cursors unchanged, as `next` or `next_cursor` of"
        " the previous page returned them.",
    ),
    ProblemType(
        "unauthenticated",
        401,
        "Unauthenticated",
        "The credential is missing, invalid, revoked or expired.",
        "Send `Authorization: Bearer` with a valid API key, or request a new token.",
    ),
    ProblemType(
        "forbidden",
        403,
        "Forbidden",
        "The credential is valid but lacks the permission, or the signature of an upload is wrong"
        " or expired.",
        "Use a credential with the permission that `detail` names, or request a new signature.",
    ),
    ProblemType(
        NOT_FOUND,
        404,
        "Not found",
        "Nothing exists at this URL, or the client may not see it.",
        "Check the URL and the identifiers in it.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "Method not allowed",
        "The URL does not support this method.",
        "Use a method of the Allow header.",
    ),
    ProblemType(
        "not-acceptable",
        406,
        "Not acceptable",
        "The response is not available in a media type of the Accept header.",
        "Accept `application/json`.",
    ),
    ProblemType(
        "request-timeout",
        408,
        "Request timeout",
        "The request body came too slowly.",
        "Repeat the request on a faster connection.",
    ),
    ProblemType(
        "conflict",
        409,
        "Conflict",
        "The request conflicts with stored data.",
        "Correct the request as `detail` says.",
    ),
    ProblemType(
        "slug-taken",
        409,
        "Slug taken",
        "The slug belongs to another product or category, or belonged to it before.",
        "Choose another slug.",
    ),
    ProblemType(
        "sku-taken",
        409,
        "SKU taken",
        "The SKU belongs to another product or variant.",
        "Choose another SKU.",
    ),
    ProblemType(
        "options-taken",
        409,
        "Options taken",
        "The product already has a variant with these options.",
        "Choose other options, or update the existing variant.",
    ),
    ProblemType(
        "insufficient-stock",
        409,
        "Insufficient stock",
        "The stock is smaller than the quantity to remove.",
        "Read the stock, and request at most that quantity.",
    ),
    ProblemType(
        "limit-reached",
        409,
        "Limit reached",
        "The change would exceed a limit, such as the number of images of a product.",
        "Remove something first, or stay below the limit that `detail` names.",
    ),
    ProblemType(
        "derived-field",
        409,
        "Derived field",
        "The field of a product with variants is derived from them.",
        "Change the variants.",
    ),
    ProblemType(
        "category-cycle",
        409,
        "Category cycle",
        "The parent of a category cannot be the category itself or a category below it.",
        "Choose another parent.",
    ),
    ProblemType(
        "not-undoable",
        409,
        "Not undoable",
        "Only imports and bulk updates that changed products can be undone.",
        "Choose another batch, or change the data itself.",
    ),
    ProblemType(
        "count-mismatch",
        409,
        "Count mismatch",
        "A bulk update matches more or fewer products than it expects. Nothing was stored.",
        "Repeat the dry run, check its report, and expect the new number.",
    ),
    ProblemType(
        "concurrent-write",
        409,
        "Concurrent write",
        "Another request changed the same data at the same time. Nothing was stored.",
        "Repeat the request.",
    ),
    ProblemType(
        "request-in-progress",
        409,
        "Request in progress",
        "A request with the same Idempotency-Key is still running.",
        "Repeat the request later, with the same key.",
    ),
    ProblemType(
        "gone",
        410,
        "Gone",
        "The data existed. It was deleted after its retention, or replaced by a restore.",
        "Read the catalogue again, and continue from `after=latest`. A deleted batch cannot be read"
        " or undone.",
    ),
    ProblemType(
        "length-required",
        411,
        "Length required",
        "The Content-Length header is missing.",
        "Send the header with the length of the body.",
    ),
    ProblemType(
        "version-conflict",
        412,
        "Version conflict",
        "The product is not at a version that If-Match names. Nothing was stored.",
        "Read the product again, repeat the change, and send its new ETag.",
    ),
    ProblemType(
        "content-too-large",
        413,
        "Content too large",
        "The body, a file in it, or the number of items exceeds a limit.",
        "Send less, or split the request. Import large files with `eggypro products import`.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "The Content-Type or Content-Encoding of the body is not supported.",
        "Send the media type that `detail` names.",
    ),
    ProblemType(
        "validation-failed",
        422,
        "Validation failed",
        "Fields or query parameters are invalid. `errors` lists all of them.",
        "Correct every field that `errors` names.",
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        "Idempotency key reused",
        "The Idempotency-Key was used before with another body or other parameters.",
        "Send a new key with each new request.",
    ),
    ProblemType(
        IMPORT_REFUSED,
        422,
        "Import refused",
        "The file has invalid rows. Nothing was imported.",
        "Correct the rows that `refused` lists, or repeat the request with `keep_going=true`.",
    ),
    ProblemType(
        "rate-limited",
        429,
        "Rate limited",
        "The client has sent too many requests.",
        "Wait for the seconds of the Retry-After header.",
    ),
    ProblemType(
        "locked-out",
        429,
        "Locked out",
        "The client has sent too many invalid credentials. They are not checked until"
        " the lockout ends.",
        "Wait for the seconds of the Retry-After header, and correct the credential.",
    ),
    ProblemType(
        INTERNAL_ERROR,
        500,
        "Internal error",
        "The server failed. The error has been logged and is not caused by the request.",
        "Report the `request_id` to the operator of the server.",
    ),
    ProblemType(
        "upstream-failed",
        502,
        "Upstream failed",
        "A service that the shop uses, such as the image store, sent an unexpected response.",
        "Try again later. The operator finds the reason in the log.",
    ),
    ProblemType(
        "service-unavailable",
        503,
        "Service unavailable",
        "A service that the shop uses, such as the image store, is unavailable.",
        "Wait for the seconds of the Retry-After header, and repeat the request.",
    ),
    ProblemType(
        "database-unavailable",
        503,
        "Database unavailable",
        "The database is unavailable, misconfigured, or lacks migrations.",
        "Wait for the seconds of the Retry-After header, and repeat the request. The operator runs"
        " `eggypro health`.",
    ),
    ProblemType(
        "busy",
        503,
        "Busy",
        "The server or a service that it uses is overloaded.",
        "Wait for the seconds of the Retry-After header, and repeat the request.",
    ),
    ProblemType(
        "not-configured",
        503,
        "Not configured",
        "The request needs a setting that this shop lacks.",
        "The operator sets the variable that `detail` names, and restarts the server.",
    ),
    ProblemType(
        "storage-full",
        507,
        "Storage full",
        "A disk of the server is full or read-only. Nothing was stored, and reads still succeed.",
        "Repeat the request after the operator has freed disk space.",
    ),
    ProblemType(
        "invalid-settings",
        None,
        "Invalid settings",
        "Settings are invalid.",
        "Correct the variables that `errors` names. `eggypro env example` explains each.",
    ),
    ProblemType(
        "usage",
        None,
        "Usage",
        "The command or its options are invalid.",
        "Run the command with `--help`.",
    ),
    ProblemType(
        "refused",
        None,
        "Refused",
        "The shell refused what the command needs, such as a file or a confirmation.",
        "Correct the command as `detail` says.",
    ),
)
PROBLEM_TYPES: Mapping[str, ProblemType] = {kind.code: kind for kind in _TYPES}
"""All problem types by code, ordered by status."""
