"""A file that grows by records, of which none is ever half there for the next one to follow."""

from __future__ import annotations

import os
from pathlib import Path


class LogFile:
    """Appends to a file; what could not be appended whole is taken back."""

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        self._descriptor: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if anew else 0), 0o600)
        self.size = os.lseek(self._descriptor, 0, os.SEEK_END)

    def append(self, data: bytes, *, durable: bool = True) -> None:
        """Write at the end.  When it raises, nothing was written; and if even that could not be brought about, the
        file is closed (`is_closed`), so that nothing comes after half of a record, where it would not be read."""
        if self._descriptor is None:
            raise ValueError("the file is closed")
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            if durable:
                os.fsync(self._descriptor)
        except BaseException:
            self._take_back()
            raise
        self.size += len(data)

    def _take_back(self) -> None:
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
        except OSError:
            self.close()

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be appended any more."""
        return self._descriptor is None

    def close(self) -> None:
        """Close it; again: nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
