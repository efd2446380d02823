"""What a refusal looks like in a shell: its exit code, its sentence, what to do next."""

import sys
from collections.abc import Iterator, Mapping

import typer
from attrs import frozen

from eggypro_cli.output import ShellError, json_line, write
from eggypro_core import errors
from eggypro_core.serializers import Json

REFUSED, USAGE, AWAY = 1, 2, 3
MAX_SHOWN_ERRORS = 20
"""How many faults of one input people are shown."""
_ADVICE_BY_FIELD = {"slug": "choose another", "sku": "choose another"}
_LISTS = {
    "product": "`eggypro products list --status all` shows what there is",
    "category": "`eggypro categories list --status all` shows what there is",
    "review": "`eggypro reviews list --status all` shows what there is",
    "image": "`eggypro products show SLUG` shows those of a product",
    "variant": "`eggypro variants list SLUG --status all` shows what there is",
}
"""What shows all of a kind of things."""


@frozen
class ExitMessage:
    """How errors of a kind are answered.

    `title` and `status` are HTTP's; the status is None for what only a shell knows.
    """

    code: int
    title: str
    status: int | None
    advice: str = ""


MESSAGES_BY_ERROR: Mapping[type[errors.EggyProError], ExitMessage] = {
    errors.ValidationError: ExitMessage(REFUSED, "Unprocessable Content", 422),
    errors.ParseError: ExitMessage(REFUSED, "Bad Request", 400),
    errors.UnauthenticatedError: ExitMessage(REFUSED, "Unauthorized", 401),
    errors.ForbiddenError: ExitMessage(REFUSED, "Forbidden", 403),
    errors.NotFoundError: ExitMessage(REFUSED, "Not Found", 404),
    errors.SlugMovedError: ExitMessage(REFUSED, "Permanent Redirect", 308, "use that name"),
    errors.ConflictError: ExitMessage(REFUSED, "Conflict", 409),
    errors.VersionConflictError: ExitMessage(REFUSED, "Precondition Failed", 412),
    errors.TooLargeError: ExitMessage(REFUSED, "Content Too Large", 413),
    errors.UpstreamError: ExitMessage(AWAY, "Bad Gateway", 502, "try again later"),
    errors.RateLimitedError: ExitMessage(REFUSED, "Too Many Requests", 429),
    errors.UnavailableError: ExitMessage(AWAY, "Service Unavailable", 503),
    errors.ConfigurationError: ExitMessage(
        USAGE, "Configuration", None, "`eggypro env example` explains every setting"
    ),
}
"""The one table from errors to exit codes. Advice is for those whose sentence has none."""


def print_error(
    error: errors.EggyProError | typer.TyperException, *, json: bool, command: str = "eggypro"
) -> int:
    """Say on stderr what was refused and what to do next; return the exit code.

    `command` is the one that was typed, whose help tells what it takes.
    """
    answer = message_for(error)
    write(json_line(problem(error)) if json else f"{_sentence(error, command)}\n", sys.stderr)
    return answer.code


def message_for(error: errors.EggyProError | typer.TyperException) -> ExitMessage:
    """Return how an error is answered."""
    if isinstance(error, errors.EggyProError):
        return next(
            MESSAGES_BY_ERROR[kind] for kind in type(error).__mro__ if kind in MESSAGES_BY_ERROR
        )
    if isinstance(error, ShellError):
        return ExitMessage(REFUSED, "Refused", None)
    context = getattr(error, "ctx", None)  # a usage error knows the command that it is about
    command = context.command_path if context else "eggypro"
    return ExitMessage(error.exit_code, "Usage", None, f"see `{command} --help`")


def problem(error: errors.EggyProError | typer.TyperException) -> dict[str, Json]:
    """Return an error as problem JSON (RFC 9457)."""
    answer = message_for(error)
    body: dict[str, Json] = {"type": "about:blank", "title": answer.title}
    if answer.status is not None:
        body["status"] = answer.status
    body["detail"] = _printable(_detail(error))
    if isinstance(error, errors.ValidationError | errors.ConfigurationError):
        body["errors"] = [{"field": each.field, "message": each.message} for each in error.errors]
    return body


def _sentence(error: errors.EggyProError | typer.TyperException, command: str) -> str:
    advice = _advice(error, command)
    if isinstance(error, errors.ConfigurationError):
        faults = (f"  {fault.message}" for fault in error.errors)
        return "\n".join([f"{_detail(error)}:", *faults, f"{advice}."])
    if isinstance(error, errors.ValidationError) and len(error.errors) > 1:
        return "\n".join([*_fault_lines(error), f"Nothing was changed; {advice}."])
    detail = _detail(error).rstrip(".")
    return f"{detail}; {advice}." if advice else f"{detail}."


def _advice(error: errors.EggyProError | typer.TyperException, command: str) -> str:
    if isinstance(error, errors.ValidationError):
        return f"see `{command} --help`"
    if isinstance(error, errors.ConflictError):
        return _ADVICE_BY_FIELD.get(error.field, "")
    if isinstance(error, errors.NotFoundError):
        return _LISTS[error.kind]
    return message_for(error).advice


def _fault_lines(error: errors.ValidationError) -> Iterator[str]:
    yield f"{len(error.errors)} things are wrong:"
    yield from (f"  {fault.field}: {fault.message}" for fault in error.errors[:MAX_SHOWN_ERRORS])
    if len(error.errors) > MAX_SHOWN_ERRORS:
        yield f"  ... and {len(error.errors) - MAX_SHOWN_ERRORS} more"


def _detail(error: errors.EggyProError | typer.TyperException) -> str:
    if isinstance(error, errors.ConfigurationError):
        return "The settings cannot be used"
    if isinstance(error, typer.TyperException):
        return " ".join(error.format_message().split())
    return str(error)


def _printable(text: str) -> str:
    """Return the text without what UTF-8 cannot say: the stray bytes of an argument."""
    return text.encode(errors="backslashreplace").decode()
