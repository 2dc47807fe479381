"""JDBC urls served by ADBC drivers: PostgreSQL and SQLite, the extra "jdbc".

Passwords never get into a message: errors name the url without its query, and what a driver says is cleaned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from penstock.core.errors import SPARK, SparkError, illegal_argument, unsupported

_DRIVERS = {"postgresql": ("org.postgresql.Driver",), "sqlite": ("org.sqlite.JDBC",)}
_REFUSED = (
    "queryTimeout", "keytab", "principal", "refreshKrb5Config", "connectionProvider", "hint", "prepareQuery",
)  # fmt: skip


@dataclass(frozen=True)
class Database:
    """One database: `kind` is postgresql or sqlite, `target` what its driver connects to, `shown` the url for messages,
    `secrets` what must not be shown."""

    kind: str
    target: str
    shown: str
    secrets: tuple[str, ...]

    def quoted(self, name: str) -> str:
        """A column's name in SQL."""
        return '"' + name.replace('"', '""') + '"'

    def clean(self, text: str) -> str:
        """A text without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def database(options: Mapping[str, str]) -> Database:
    """The database of the options url, user and password (keys lower-case).  Other urls than those of PostgreSQL and
    SQLite are refused by name."""
    url = options.get("url", "")
    if not url:
        raise illegal_argument(
            "_LEGACY_ERROR_TEMP_2047", "The jdbc data source needs the option url.", "XXKD0", paramName="url"
        )
    match = re.match(r"jdbc:([A-Za-z0-9]+):(.*)", url, re.DOTALL)
    kind = match[1].lower() if match else url.partition(":")[0]
    if match is None or kind not in _DRIVERS:
        raise unsupported(
            f"JDBC urls of {kind!r}", "There are drivers for jdbc:postgresql: and jdbc:sqlite: in penstock[jdbc]."
        )
    for name in _REFUSED:
        if options.get(name.lower(), "0") not in ("0", "false", ""):
            raise unsupported(f"the option {name} of the jdbc data source", "Leave the option out.")
    driver = options.get("driver")
    if driver is not None and driver not in _DRIVERS[kind]:
        raise unsupported(f"the JDBC driver {driver}", f"A url of {kind} is read by {_DRIVERS[kind][0]}.")
    return _sqlite(match[2]) if kind == "sqlite" else _postgres(match[2], options)


def _sqlite(path: str) -> Database:
    plain = path.partition("?")[0].removeprefix("file:")
    return Database("sqlite", plain, f"jdbc:sqlite:{plain}", ())


def _postgres(rest: str, options: Mapping[str, str]) -> Database:
    parts = urlsplit(f"postgresql:{rest if rest.startswith('//') else '///' + rest}")
    query = dict(parse_qsl(parts.query))
    user = options.get("user") or query.pop("user", "")
    password = options.get("password") or query.pop("password", "")
    query.pop("user", None), query.pop("password", None)
    host = parts.netloc.rpartition("@")[2] or "localhost"
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "") + "@" if user else ""
    kept = {
        key: value
        for key, value in query.items()
        if key in ("sslmode", "connect_timeout", "options", "application_name")
    }
    target = f"postgresql://{login}{host}{parts.path}" + (f"?{urlencode(kept)}" if kept else "")
    secrets = tuple(text for text in (password, quote(password, safe="")) if text)
    return Database("postgresql", target, f"jdbc:postgresql://{host}{parts.path}", secrets)


@contextmanager
def connected(base: Database, options: Mapping[str, str]) -> Iterator[Any]:
    """A DBAPI connection of ADBC; what the driver raises becomes FAILED_JDBC."""
    module = _driver(base.kind)
    try:
        connection = module.connect(base.target)
    except module.Error as error:
        message = (
            f"The database {base.shown} cannot be reached: {base.clean(str(error))}. Check url, user and password."
        )
        raise SparkError(
            "FAILED_JDBC.CONNECTION", message, {"url": base.shown}, sqlstate="HV000", classes=SPARK
        ) from None
    try:
        statement = options.get("sessioninitstatement")
        if statement:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        yield connection
    except module.Error as error:
        message = f"The database {base.shown} refuses: {base.clean(str(error))}."
        params = {"url": base.shown, "message": base.clean(str(error))}
        raise SparkError("FAILED_JDBC.UNCLASSIFIED", message, params, sqlstate="HV000", classes=SPARK) from None
    finally:
        connection.close()


def _driver(kind: str) -> Any:
    try:
        if kind == "sqlite":
            import adbc_driver_sqlite.dbapi as module
        else:
            import adbc_driver_postgresql.dbapi as module
    except ImportError:
        raise unsupported(
            f"jdbc:{kind} without adbc-driver-{kind}", 'Install it: pip install "penstock[jdbc]".'
        ) from None
    return module
