"""Kernels over URLs, by the rules of Java's URI, URLEncoder and URLDecoder."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

_PERCENT = re.compile(rb"%(..?)?", re.DOTALL)
_HEX = re.compile(rb"[0-9a-fA-F]{2}\Z")


@by_row(pa.string())
def url_encode(text: str) -> str:
    """application/x-www-form-urlencoded, UTF-8."""
    return quote_plus(text, safe="*").replace("~", "%7E")


@by_row(pa.string())
def url_decode(text: str, quiet: bool) -> str | None:
    """The opposite; a percent sign without two hex digits is CANNOT_DECODE_URL (quiet: NULL)."""
    data = text.replace("+", " ").encode("utf-8")
    if any(found[1] is None or not _HEX.match(found[1]) for found in _PERCENT.finditer(data)):
        if quiet:
            return None
        raise raised(
            "CANNOT_DECODE_URL", f"The URL {text} cannot be decoded: it holds a malformed escape.", sqlstate="22546",
            kind="illegal_argument", url=text,
        )  # fmt: skip
    return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), data).decode("utf-8", "replace")


# RFC 2396: scheme, authority, path, query, fragment; java.net.URI takes no blanks, quotes and unbalanced escapes
_URI = re.compile(r"^(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$", re.DOTALL)
_LEGAL = re.compile(r"^(?:[A-Za-z0-9\-_.!~*'();/?:@&=+$,\[\]#]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\u2000-\u200a\u2028])*$")
_AUTHORITY = re.compile(r"^(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]*)(?::(\d*))?$")
_PARTS = ("HOST", "PATH", "QUERY", "REF", "PROTOCOL", "FILE", "AUTHORITY", "USERINFO")


@by_row(pa.string(), strict=False)
def parse_url(url: str | None, part: str | None, key: str | None, quiet: bool) -> str | None:
    """One part of a URL; `key` (not "") picks a parameter of the QUERY."""
    if url is None or part is None or key is None:
        return None
    match = _URI.match(url)
    if match is None or not _LEGAL.match(url) or url.count("#") > 1 or not (match[1] or url[:1] != ":"):
        if quiet:
            return None
        raise raised(
            "INVALID_URL", f"The url is invalid: {url}. Use `try_parse_url` to get NULL instead.", sqlstate="22P02",
            kind="illegal_argument", url=url,
        )  # fmt: skip
    if key and part != "QUERY":
        return None
    found = _part(match, part)
    if not key or found is None:
        return found
    value = re.search(f"(?:^|&){re.escape(key)}=([^&]*)", found)
    return value[1] if value else None


def _part(match: re.Match[str], part: str) -> str | None:
    scheme, authority, path, query, fragment = match.groups()
    if part not in _PARTS:
        return None
    if scheme and authority is None and not path.startswith("/"):  # an opaque URI such as mailto:a@b
        return {"PROTOCOL": scheme, "REF": fragment}.get(part)
    pieces = _AUTHORITY.match(authority or "")
    host = (pieces[2] or None) if pieces else None
    values = {
        "HOST": host,
        "PATH": path,
        "QUERY": query,
        "REF": fragment,
        "PROTOCOL": scheme,
        "FILE": path if query is None else f"{path}?{query}",
        "AUTHORITY": authority or None,
        "USERINFO": pieces[1] if pieces and host else None,
    }
    return values[part]
