"""`spark._jvm`: log4j and slf4j, which programs use to log beside Spark, and a clear refusal of every other class.

A program's logger is a logger of Python below `penstock.program`: it writes to standard error as Spark's console does
and heeds `sc.setLogLevel`.  The loggers `org`, `org.apache` and `org.apache.spark`, whose level programs set to
quieten Spark, are Penstock's own."""

# The names are log4j's.
# ruff: noqa: N802

from __future__ import annotations

import logging
import sys
from typing import Any

from pyspark.errors import PySparkAttributeError

_ENGINE = "penstock"
_PROGRAM = "penstock.program"
_ENGINES_NAMES = frozenset({"org", "org.apache", "org.apache.spark"})
_OFF = logging.CRITICAL + 10
_LEVELS = {
    "ALL": 1, "TRACE": 5, "DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING,
    "ERROR": logging.ERROR, "FATAL": logging.CRITICAL, "OFF": _OFF,
}  # fmt: skip
_NAMES = {number: name for name, number in _LEVELS.items()}


class _Line(logging.Formatter):
    """`26/11/21 15:30:00 WARN name: message`, as Spark's console has it."""

    def __init__(self) -> None:
        super().__init__(datefmt="%y/%m/%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        name = record.name.removeprefix(_PROGRAM).removeprefix(".") or "root"
        level = _NAMES.get(record.levelno, record.levelname)
        return f"{self.formatTime(record, self.datefmt)} {level} {name}: {record.getMessage()}"


class _StandardError(logging.StreamHandler[Any]):
    """Writes to whatever sys.stderr is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _program_logger() -> logging.Logger:
    logger = logging.getLogger(_PROGRAM)
    if not logger.handlers:
        handler = _StandardError()
        handler.setFormatter(_Line())
        logger.addHandler(handler)
        logger.propagate = False
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.getLogger(_ENGINE).getEffectiveLevel())
    return logger


class Level:
    """One of log4j's levels."""

    ALL: Level
    TRACE: Level
    DEBUG: Level
    INFO: Level
    WARN: Level
    ERROR: Level
    FATAL: Level
    OFF: Level

    def __init__(self, name: str) -> None:
        self._name = name

    def toString(self) -> str:
        """Its name."""
        return self._name

    __str__ = __repr__ = toString

    def toInt(self) -> int:
        """Python's number for it."""
        return _LEVELS[self._name]

    @staticmethod
    def toLevel(name: str, default: Level | None = None) -> Level:
        """The level of this name in any case; DEBUG, as in log4j, or the default for another text."""
        found: Level = getattr(Level, name.upper(), default or Level.DEBUG)
        return found


for _name in _LEVELS:
    setattr(Level, _name, Level(_name))


class Logger:
    """A logger of log4j or slf4j."""

    def __init__(self, name: str, *loggers: logging.Logger) -> None:
        self._name = name
        self._loggers = loggers

    @staticmethod
    def getLogger(name: Any) -> Logger:
        """The logger of this name."""
        text = str(name)
        program = _program_logger()
        if text in _ENGINES_NAMES:
            return Logger(text, logging.getLogger(_ENGINE))
        return Logger(text, program.getChild(text))

    @staticmethod
    def getRootLogger() -> Logger:
        """The one above all others."""
        return Logger("root", _program_logger(), logging.getLogger(_ENGINE))

    def getName(self) -> str:
        """Its name."""
        return self._name

    def setLevel(self, level: Level) -> None:
        """What is below this level is not written from now on."""
        for logger in self._loggers:
            logger.setLevel(level.toInt())

    def getEffectiveLevel(self) -> Level:
        """The level it heeds: its own, or that of the loggers above it."""
        number = self._loggers[0].getEffectiveLevel()
        return Level.toLevel(_NAMES.get(number, "INFO"))

    def getLevel(self) -> Level:
        """As getEffectiveLevel."""
        return self.getEffectiveLevel()

    def isEnabled(self, number: int) -> bool:
        """Whether a record of this number would be written."""
        return self._loggers[0].isEnabledFor(number)

    def _log(self, name: str, message: Any, details: tuple[Any, ...]) -> None:
        """Further arguments fill slf4j's `{}` in turn; an error that is left over is written after the message."""
        text = str(message)
        for value in details:
            text = text.replace("{}", str(value), 1) if "{}" in text else f"{text} {value}"
        self._loggers[0].log(_LEVELS[name], "%s", text)

    def trace(self, message: Any, *details: Any) -> None:
        """Write at level TRACE."""
        self._log("TRACE", message, details)

    def debug(self, message: Any, *details: Any) -> None:
        """Write at level DEBUG."""
        self._log("DEBUG", message, details)

    def info(self, message: Any, *details: Any) -> None:
        """Write at level INFO."""
        self._log("INFO", message, details)

    def warn(self, message: Any, *details: Any) -> None:
        """Write at level WARN."""
        self._log("WARN", message, details)

    def error(self, message: Any, *details: Any) -> None:
        """Write at level ERROR."""
        self._log("ERROR", message, details)

    def fatal(self, message: Any, *details: Any) -> None:
        """Write at level FATAL."""
        self._log("FATAL", message, details)

    def isTraceEnabled(self) -> bool:
        """Whether TRACE is written."""
        return self.isEnabled(_LEVELS["TRACE"])

    def isDebugEnabled(self) -> bool:
        """Whether DEBUG is written."""
        return self.isEnabled(_LEVELS["DEBUG"])

    def isInfoEnabled(self) -> bool:
        """Whether INFO is written."""
        return self.isEnabled(_LEVELS["INFO"])


_CLASSES: dict[str, type] = {
    "org.apache.log4j.LogManager": Logger,
    "org.apache.log4j.Logger": Logger,
    "org.apache.log4j.Level": Level,
    "org.apache.logging.log4j.LogManager": Logger,
    "org.apache.logging.log4j.Level": Level,
    "org.slf4j.LoggerFactory": Logger,
}


class JavaNames:
    """`spark._jvm`, or one of its packages: gives the classes above by their names."""

    def __init__(self, package: str = "") -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = f"{self._package}.{name}" if self._package else name
        if full in _CLASSES:
            return _CLASSES[full]
        if name[:1].isupper():
            raise _refused(full)
        return JavaNames(full)

    def __call__(self, *_: Any) -> Any:
        raise _refused(self._package)

    def __repr__(self) -> str:
        return f"<names of Java in {self._package or 'no package'}>"


def _refused(name: str) -> PySparkAttributeError:
    return PySparkAttributeError(
        f"[JVM_ATTRIBUTE_NOT_SUPPORTED] {name} is a class of Java, and Penstock runs without a JVM. "
        f"Of Java's classes only log4j's and slf4j's loggers are there: write it in Python.",
    )
