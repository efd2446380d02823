"""Errors as exit codes, messages on stderr and problem JSON."""

import sys
from collections.abc import Iterator, Mapping

import typer
from attrs import evolve, frozen

from eggypro_cli.exit_codes import REJECTED_EXIT_CODE, UNAVAILABLE_EXIT_CODE, USAGE_EXIT_CODE
from eggypro_cli.output import ShellError, json_line, write
from eggypro_core import errors
from eggypro_core.serializers import Json
from eggypro_http.problem_types import PROBLEM_TYPES

MAX_SHOWN_ERRORS = 20
"""Number of validation errors shown to people; `--json` has all of them."""
_ADVICE_BY_FIELD = {"slug": "choose another", "sku": "choose another"}
_ADVICE_BY_KIND = {
    "product": "`eggypro products list --status all` lists all products",
    "category": "`eggypro categories list --status all` lists all categories",
    "review": "`eggypro reviews list --status all` lists all reviews",
    "image": "`eggypro products show SLUG` lists the images of a product",
    "batch": "`eggypro events list` names the batch of each event",
    "API key": "`eggypro keys list` lists all API keys",
    "variant": "`eggypro variants list SLUG --status all` lists all variants",
}
"""Advice for NotFoundError, by its kind."""


@frozen
class ExitMessage:
    """Exit code of one kind of error, and advice for people."""

    code: int
    advice: str = ""


MESSAGES_BY_ERROR: Mapping[type[errors.EggyProError], ExitMessage] = {
    errors.ValidationError: ExitMessage(REJECTED_EXIT_CODE),
    errors.ParseError: ExitMessage(REJECTED_EXIT_CODE),
    errors.UnauthenticatedError: ExitMessage(REJECTED_EXIT_CODE),
    errors.ForbiddenError: ExitMessage(REJECTED_EXIT_CODE),
    errors.NotFoundError: ExitMessage(REJECTED_EXIT_CODE),
    errors.GoneError: ExitMessage(REJECTED_EXIT_CODE),
    errors.SlugMovedError: ExitMessage(REJECTED_EXIT_CODE, "use that slug"),
    errors.ConflictError: ExitMessage(REJECTED_EXIT_CODE),
    errors.VersionConflictError: ExitMessage(REJECTED_EXIT_CODE),
    errors.TooLargeError: ExitMessage(REJECTED_EXIT_CODE),
    errors.UpstreamError: ExitMessage(UNAVAILABLE_EXIT_CODE, "try again later"),
    errors.RateLimitedError: ExitMessage(REJECTED_EXIT_CODE),
    errors.UnavailableError: ExitMessage(UNAVAILABLE_EXIT_CODE),
    errors.StorageFullError: ExitMessage(
        UNAVAILABLE_EXIT_CODE, "free disk space, or make the disk writable, and try again"
    ),
    errors.NotConfiguredError: ExitMessage(USAGE_EXIT_CODE),
    errors.ConfigurationError: ExitMessage(
        USAGE_EXIT_CODE, "`eggypro env example` explains every setting"
    ),
}
"""The only mapping of errors to exit codes. Advice is added unless the message already has it."""


def print_error(
    error: errors.EggyProError | typer.TyperException, *, json: bool, command: str = "eggypro"
) -> int:
    """Write the error and what to do next to stderr; return the exit code.

    `command` is the command path of the user, named in hints to `--help`.
    """
    message = message_for(error)
    write(json_line(problem(error)) if json else f"{_sentence(error, command)}\n", sys.stderr)
    return message.code


def message_for(error: errors.EggyProError | typer.TyperException) -> ExitMessage:
    """Return exit code and wording for an error, by its nearest known class."""
    if is_misconfigured(error):
        return evolve(MESSAGES_BY_ERROR[errors.UnavailableError], code=USAGE_EXIT_CODE)
    if isinstance(error, errors.EggyProError):
        return next(
            MESSAGES_BY_ERROR[kind] for kind in type(error).__mro__ if kind in MESSAGES_BY_ERROR
        )
    if isinstance(error, ShellError):
        return ExitMessage(REJECTED_EXIT_CODE)
    context = getattr(error, "ctx", None)  # a usage error has the context of its command
    command = context.command_path if context else "eggypro"
    return ExitMessage(error.exit_code, f"see `{command} --help`")


def is_misconfigured(error: Exception) -> bool:
    """Return whether a service rejects the settings: an error of the configuration."""
    return (
        isinstance(error, errors.UnavailableError)
        and error.kind is errors.UnavailableKind.MISCONFIGURED
    )


def problem(error: errors.EggyProError | typer.TyperException) -> dict[str, Json]:
    """Return an error as problem JSON (RFC 9457)."""
    kind = PROBLEM_TYPES[_problem_code(error)]
    body: dict[str, Json] = {"type": kind.path, "title": kind.title}
    if kind.status is not None:
        body["status"] = kind.status
    body["detail"] = _printable(_detail(error))
    if isinstance(error, errors.ValidationError | errors.ConfigurationError):
        body["errors"] = [
            {"field": field_error.field, "message": field_error.message}
            for field_error in error.errors
        ]
    return body


def _problem_code(error: errors.EggyProError | typer.TyperException) -> str:
    if isinstance(error, errors.EggyProError):
        return error.code
    return "refused" if isinstance(error, ShellError) else "usage"


def _sentence(error: errors.EggyProError | typer.TyperException, command: str) -> str:
    advice = _advice(error, command)
    if isinstance(error, errors.ConfigurationError):
        messages = (f"  {field_error.message}" for field_error in error.errors)
        return "\n".join([f"{_detail(error)}:", *messages, f"{advice}."])
    if isinstance(error, errors.ValidationError) and len(error.errors) > 1:
        return "\n".join([*_error_lines(error), f"Nothing was changed; {advice}."])
    detail = _detail(error).rstrip(".")
    return f"{detail}; {advice}." if advice else f"{detail}."


def _advice(error: errors.EggyProError | typer.TyperException, command: str) -> str:
    if isinstance(error, errors.ValidationError):
        return f"see `{command} --help`"
    if isinstance(error, errors.ConflictError):
        return _ADVICE_BY_FIELD.get(error.field, "")
    if isinstance(error, errors.NotFoundError):
        return _ADVICE_BY_KIND[error.kind]
    return message_for(error).advice


def _error_lines(error: errors.ValidationError) -> Iterator[str]:
    yield f"{len(error.errors)} validation errors:"
    for field_error in error.errors[:MAX_SHOWN_ERRORS]:
        yield f"  {field_error.field}: {field_error.message}"
    if len(error.errors) > MAX_SHOWN_ERRORS:
        yield f"  ... and {len(error.errors) - MAX_SHOWN_ERRORS} more"


def _detail(error: errors.EggyProError | typer.TyperException) -> str:
    if isinstance(error, errors.ConfigurationError):
        return "Invalid settings"
    if isinstance(error, typer.TyperException):
        return " ".join(error.format_message().split())
    return str(error)


def _printable(text: str) -> str:
    """Escape what UTF-8 cannot encode, such as invalid bytes of an argument."""
    return text.encode(errors="backslashreplace").decode()
