"""Fit the options of imported variants, which share their names."""

from collections.abc import Mapping, Sequence

from attrs import define, field

from eggypro_core.domain.variant import MAX_OPTION_NAMES, OPTION_NAME, OPTION_VALUE
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.services.importing.texts import cut_at_word, fit_line, line_key
from eggypro_core.validation.fields import max_length

_ANY = "Any"
_MAX_NAME = max_length(OPTION_NAME)
_MAX_VALUE = max_length(OPTION_VALUE)
_SEPARATOR = " / "


@define
class OptionFitter:
    """Fit the options of the variants of a product, which share their names.

    `keeps_spellings`: names that differ only in case are different names.
    """

    messages: EntryMessages
    keeps_spellings: bool = False
    _names: dict[str, None] = field(factory=dict)
    """The names that have values, in their order."""
    _spellings: dict[str, str] = field(factory=dict)
    """The first spelling of each name, by the name without case."""
    _fitted_names: dict[str, str] = field(factory=dict)
    """The valid name of each name in the file."""

    def fit(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return valid options, in the spelling of the first variant, without blank ones."""
        fitted: dict[str, str] = {}
        for raw_name, raw_text in options.items():
            name = self._fit_name(raw_name)
            text = self._fit_line(raw_text, "Option value", _MAX_VALUE)
            if not name or not text:
                continue
            self._names[name] = None
            if name in fitted and fitted[name] != text:
                message = f"Option '{shown(name)}' appears twice: '{shown(text)}' is ignored"
                self.messages.warn("options", message, raw_text)
            fitted.setdefault(name, text)
        return fitted

    def join(self, options: Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """Return the options of all variants with at most MAX_OPTION_NAMES names.

        The last names are joined into one. A variant without options gets the value `Any` for the
        first name.
        """
        names = [*self._names]
        first_names, last_names = names[: MAX_OPTION_NAMES - 1], names[MAX_OPTION_NAMES - 1 :]
        if len(last_names) > 1:
            joined = cut_at_word(_SEPARATOR.join(last_names), _MAX_NAME)
            message = (
                f"{len(names)} option names: only {MAX_OPTION_NAMES} are possible, the last "
                f"{len(last_names)} are joined into '{joined}'"
            )
            self.messages.warn("options", message)
            options = [_join(variant, first_names, last_names, joined) for variant in options]
        return [variant or dict.fromkeys(names[:1], _ANY) for variant in options]

    def _fit_name(self, raw_name: str) -> str:
        """Return the valid name, in the spelling of the first variant."""
        if raw_name not in self._fitted_names:
            name = self._fit_line(raw_name, "Option name", _MAX_NAME)
            self._fitted_names[raw_name] = self._spellings.setdefault(
                name if self.keeps_spellings else name.casefold(), name
            )
        return self._fitted_names[raw_name]

    def _fit_line(self, text: str, label: str, maximum: int) -> str:
        return line_key(fit_line(text, "options", label, maximum, self.messages))


def _join(
    options: Mapping[str, str], first_names: Sequence[str], last_names: Sequence[str], joined: str
) -> dict[str, str]:
    fitted = {name: options[name] for name in first_names if name in options}
    if not options.keys().isdisjoint(last_names):
        text = _SEPARATOR.join(options.get(name, "-") for name in last_names)
        fitted[joined] = cut_at_word(text, _MAX_VALUE)
    return fitted
