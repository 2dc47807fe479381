"""What an object makes when it is first asked for."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    once = cached_property
else:

    class once(cached_property):  # noqa: N801
        """A cached_property that several threads may ask for: from Python 3.12 on each of them would make its own."""

        _making: ClassVar[Any] = threading.RLock()

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            with self._making:
                return super().__get__(instance, owner)
