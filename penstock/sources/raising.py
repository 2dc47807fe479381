"""SQL that stops a scan."""

from __future__ import annotations

#: Raised by a scan that takes clean data for granted; the fallback of the scan then gives the answer.
NOT_CLEAN = "error('not clean: the exact scan decides')"
