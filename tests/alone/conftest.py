from __future__ import annotations

from tests.connect.conftest import connect, service, spark

__all__ = ["connect", "service", "spark"]
