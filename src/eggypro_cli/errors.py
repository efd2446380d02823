"""What a refusal looks like in a shell: its exit code, its sentence, what to do next."""

import sys
from collections.abc import Mapping

import typer
from attrs import frozen

from eggypro_cli.console import json_line, write
from eggypro_core import errors
from eggypro_core.representation import Json

REFUSED, USAGE, AWAY = 1, 2, 3


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
    errors.InvalidError: Answer(REFUSED, "Unprocessable Entity", 422),
    errors.MalformedError: Answer(REFUSED, "Bad Request", 400),
    errors.UnauthenticatedError: Answer(REFUSED, "Unauthorized", 401),
    errors.ForbiddenError: Answer(REFUSED, "Forbidden", 403),
    errors.NotFoundError: Answer(
        REFUSED, "Not Found", 404, "`eggypro {among} list --status all` shows what there is"
    ),
    errors.MovedError: Answer(REFUSED, "Permanent Redirect", 308, "use that name"),
    errors.ConflictError: Answer(REFUSED, "Conflict", 409),
    errors.StaleError: Answer(REFUSED, "Precondition Failed", 412),
    errors.UnavailableError: Answer(AWAY, "Service Unavailable", 503),
    errors.ConfigurationError: Answer(
        USAGE, "Configuration", None, "`eggypro env example` explains every setting"
    ),
}
"""The one table from errors to exit codes. Advice is for those whose sentence has none."""


def refuse(error: errors.EggyProError | typer.TyperException, *, json: bool) -> int:
    """Say on stderr what was refused and what to do next; return the exit code."""
    answer = answer_to(error)
    write(json_line(problem(error)) if json else f"{_sentence(error)}\n", sys.stderr)
    return answer.code


def answer_to(error: errors.EggyProError | typer.TyperException) -> Answer:
    """Return how an error is answered."""
    if isinstance(error, errors.EggyProError):
        return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
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


def _sentence(error: errors.EggyProError | typer.TyperException) -> str:
    advice = answer_to(error).advice
    if isinstance(error, errors.NotFoundError):
        advice = advice.format(among=error.among)
    if isinstance(error, errors.ConfigurationError):
        faults = (f"  {fault.field} {fault.message}" for fault in error.faults)
        return "\n".join([f"{_detail(error)}:", *faults, f"{advice}."])
    detail = _detail(error).rstrip(".")
    return f"{detail}; {advice}." if advice else f"{detail}."


def _detail(error: errors.EggyProError | typer.TyperException) -> str:
    if isinstance(error, errors.ConfigurationError):
        return "The settings cannot be used"
    if isinstance(error, typer.TyperException):
        return " ".join(error.format_message().split())
    return str(error)


def _printable(text: str) -> str:
    """Return the text without what UTF-8 cannot say: the stray bytes of an argument."""
    return text.encode(errors="backslashreplace").decode()
