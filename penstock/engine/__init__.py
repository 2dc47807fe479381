"""DuckDB as the executor of relational segments, and Arrow at its borders."""

from penstock.engine.engine import Engine, EngineCursor

__all__ = ["Engine", "EngineCursor"]
