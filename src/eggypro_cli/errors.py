"""What a refusal looks like in a shell: its exit code, its sentence, what to do next."""

import sys
from collections.abc import Iterator, Mapping

import typer
from attrs import frozen

from eggypro_cli.output import ShellError, json_line, write
from eggypro_core import errors
from eggypro_core.serializers import Json

REFUSED, USAGE, AWAY = 1, 2, 3
SHOWN = 20
"""How many faults of one input people are shown."""
_ANOTHER = {"slug": "choose another", "sku": "choose another"}
_LISTS = {
    "product": "`eggypro products list --status all` shows what there is",
    "category": "`eggypro categories list --status all` shows what there is",
    "review": "`eggypro reviews list --status all` shows what there is",
    "image": "`eggypro products show SLUG` shows those of a product",
    "variant": "`eggypro variants list SLUG --status all` shows what there is",
}
"""What shows all of a kind of things."""


@frozen
class Answer:
    """How errors of a kind are answered.

    `title` and `status` are HTTP's; the status is None for what only a shell knows.
    """

    code: int
    title: str
    status: int | None
    advice: str = ""


ANSWERS: Mapping[type[errors.EggyProError], Answer] = {
    errors.InvalidError: Answer(REFUSED, "Unprocessable Content", 422),
    errors.MalformedError: Answer(REFUSED, "Bad Request", 400),
    errors.UnauthenticatedError: Answer(REFUSED, "Unauthorized", 401),
    errors.ForbiddenError: Answer(REFUSED, "Forbidden", 403),
    errors.NotFoundError: Answer(REFUSED, "Not Found", 404),
    errors.MovedError: Answer(REFUSED, "Permanent Redirect", 308, "use that name"),
    errors.ConflictError: Answer(REFUSED, "Conflict", 409),
    errors.StaleError: Answer(REFUSED, "Precondition Failed", 412),
    errors.TooLargeError: Answer(REFUSED, "Content Too Large", 413),
    errors.ServiceFailedError: Answer(AWAY, "Bad Gateway", 502, "try again later"),
    errors.RateLimitedError: Answer(REFUSED, "Too Many Requests", 429),
    errors.UnavailableError: Answer(AWAY, "Service Unavailable", 503),
    errors.ConfigurationError: Answer(
        USAGE, "Configuration", None, "`eggypro env example` explains every setting"
    ),
}
"""The one table from errors to exit codes. Advice is for those whose sentence has none."""


def refuse(
    error: errors.EggyProError | typer.TyperException, *, json: bool, command: str = "eggypro"
) -> int:
    """Say on stderr what was refused and what to do next; return the exit code.

    `command` is the one that was typed, whose help tells what it takes.
    """
    answer = answer_to(error)
    write(json_line(problem(error)) if json else f"{_sentence(error, command)}\n", sys.stderr)
    return answer.code


def answer_to(error: errors.EggyProError | typer.TyperException) -> Answer:
    """Return how an error is answered."""
    if isinstance(error, errors.EggyProError):
        return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    if isinstance(error, ShellError):
        return Answer(REFUSED, "Refused", None)
    context = getattr(error, "ctx", None)  # a usage error knows the command that it is about
    command = context.command_path if context else "eggypro"
    return Answer(error.exit_code, "Usage", None, f"see `{command} --help`")


def problem(error: errors.EggyProError | typer.TyperException) -> dict[str, Json]:
    """Return an error as problem JSON (RFC 9457)."""
    answer = answer_to(error)
    body: dict[str, Json] = {"type": "about:blank", "title": answer.title}
    if answer.status is not None:
        body["status"] = answer.status
    body["detail"] = _printable(_detail(error))
    if isinstance(error, errors.InvalidError | errors.ConfigurationError):
        body["errors"] = [{"field": each.field, "message": each.message} for each in error.faults]
    return body


def _sentence(error: errors.EggyProError | typer.TyperException, command: str) -> str:
    advice = _advice(error, command)
    if isinstance(error, errors.ConfigurationError):
        faults = (f"  {fault.message}" for fault in error.faults)
        return "\n".join([f"{_detail(error)}:", *faults, f"{advice}."])
    if isinstance(error, errors.InvalidError) and len(error.faults) > 1:
        return "\n".join([*_fault_lines(error), f"Nothing was changed; {advice}."])
    detail = _detail(error).rstrip(".")
    return f"{detail}; {advice}." if advice else f"{detail}."


def _advice(error: errors.EggyProError | typer.TyperException, command: str) -> str:
    if isinstance(error, errors.InvalidError):
        return f"see `{command} --help`"
    if isinstance(error, errors.ConflictError):
        return _ANOTHER.get(error.field, "")
    if isinstance(error, errors.NotFoundError):
        return _LISTS[error.kind]
    return answer_to(error).advice


def _fault_lines(error: errors.InvalidError) -> Iterator[str]:
    yield f"{len(error.faults)} things are wrong:"
    yield from (f"  {fault.field}: {fault.message}" for fault in error.faults[:SHOWN])
    if len(error.faults) > SHOWN:
        yield f"  ... and {len(error.faults) - SHOWN} more"


def _detail(error: errors.EggyProError | typer.TyperException) -> str:
    if isinstance(error, errors.ConfigurationError):
        return "The settings cannot be used"
    if isinstance(error, typer.TyperException):
        return " ".join(error.format_message().split())
    return str(error)


def _printable(text: str) -> str:
    """Return the text without what UTF-8 cannot say: the stray bytes of an argument."""
    return text.encode(errors="backslashreplace").decode()
