"""Parse prices as people and spreadsheets write them."""

import re
import unicodedata

from eggypro_core.validation.fields import InvalidValueError, escape_control

_MINUS = "-\N{MINUS SIGN}"
_SPACES = " \t\r\n\u00a0\u202f\u2007\u2009\u2008\ufeff"
_CURRENCIES = frozenset(
    (
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn "
        "bwp byn bzd cad cdf chf clp cny cop crc cup cve czk djf dkk dop dzd egp ern etb eur fjd "
        "fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr iqd irr isk jmd jod "
        "jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp lkr lrd lsl lyd mad mdl mga mkd mmk mnt "
        "mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg "
        "qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sll sos srd ssp stn svc syp szl thb "
        "tjs tmt tnd top try ttd twd tzs uah ugx usd uyu uzs ves vnd vuv wst xaf xcd xof xpf yer "
        "zar zmw zwl fcfa cfa rmb euro euros dollar dollars us au ca nz hk nt sg mx a c s r rs "
        "rp rm rd fr sfr kr kc kč zl zł ft lei leu lv лв din дин р руб грн ден tl tk ksh ush tsh "  # noqa: RUF001
        "kn f dh dhs da dt"
    ).split()
)
_WORD = r"[^\W\d_]+"
_PRICE = re.compile(
    rf"(?P<before>[-\u2212+]?)(?:(?P<first>{_WORD})\.?)?(?P<sign>[-\u2212+]?)"
    rf"(?P<number>[0-9.,'\u2019]+)(?:-{{1,2}}|[\u2013\u2014])?(?:(?P<last>{_WORD})\.?)?"
)
_SPACED_NUMBER = re.compile(rf"(?<=[0-9])[{_SPACES}](?=[0-9]{{3}}(?![0-9]))")
_GROUPED = {
    separator: re.compile(
        f"([1-9][0-9]{{0,2}}(?:[{separator}][0-9]{{2,3}})*[{separator}][0-9]{{3}})"
        f"(?:[{point}]([0-9]*))?"
    )
    for separator, point in ((",", "."), (".", ","), ("'", ".,"))
}
"""Numbers with thousands separators, by separator."""
_PLAIN = re.compile("([0-9]*)(?:[.,]([0-9]*))?")
_NUMBERS = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_TAX_NOTE = re.compile(
    r"\s*\(?\b(?:incl|inkl|excl|exkl|inc|zzgl|ttc|ht|iva)\b[^0-9]*", re.IGNORECASE
)
"""The note after a price about the taxes that it includes or excludes."""
_USUAL_PRICE = re.compile(r"-?[0-9]+(?:\.[0-9]{1,2})?")
"""The prices of nearly all cells, which need no further parsing."""
_DIGIT = re.compile(r"\d")


def parse_price(cell: str, *, decimal_comma: bool = False) -> str | None:
    """Return a price as plain decimal text such as `-1234.5`, or None if the cell is blank.

    Currency signs and codes and thousands separators are removed. `9,50` is a decimal comma
    everywhere, and `1,234` only with `decimal_comma`; `1.234` is then 1234. A text without digits
    is returned as it is. Raises InvalidValueError for anything else, such as several prices.
    """
    if _USUAL_PRICE.fullmatch(cell):
        return cell
    text = cell.strip(_SPACES).lstrip("'")
    if not _DIGIT.search(text):
        return text or None
    compact = _SPACED_NUMBER.sub("", _TAX_NOTE.sub("", text))
    symbols = {sign for sign in compact if unicodedata.category(sign) == "Sc"}
    compact = "".join(sign for sign in compact if sign not in symbols)
    if re.search(rf"[0-9][{_SPACES}]+[0-9]", compact):
        raise _invalid(text)
    match = _PRICE.fullmatch("".join(sign for sign in compact if sign not in _SPACES))
    if not match or not all(
        word is None or word.casefold() in _CURRENCIES for word in match.group("first", "last")
    ):
        raise _invalid(text)
    number = _plain_number(match["number"].replace("\u2019", "'"), decimal_comma=decimal_comma)
    if number is None:
        raise _invalid(text)
    is_negative = match["before"] in tuple(_MINUS) or match["sign"] in tuple(_MINUS)
    return f"-{number}" if is_negative else number


def _plain_number(text: str, *, decimal_comma: bool) -> str | None:
    """Return a number with a decimal point and without thousands separators, or None."""
    point = "," if decimal_comma else "."
    for separator, pattern in _GROUPED.items():
        match = pattern.fullmatch(text)
        is_ambiguous = match is not None and match[2] is None and text.count(separator) == 1
        if match and not (is_ambiguous and separator == point):
            return _join(match[1].replace(separator, ""), match[2])
    match = _PLAIN.fullmatch(text)
    return _join(match[1], match[2]) if match and (match[1] or match[2]) else None


def _join(whole: str, fraction: str | None) -> str:
    return f"{whole or 0}.{fraction}" if fraction else whole


def _invalid(text: str) -> InvalidValueError:
    shown = escape_control(text)
    if "%" not in text and len(_NUMBERS.findall(text)) > 1:
        return InvalidValueError(f"'{shown}' is not a single price: write one, like 1234.50")
    return InvalidValueError(f"'{shown}' is not a price: write it like 1234.50")
