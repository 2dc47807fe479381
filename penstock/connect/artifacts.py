"""What a client uploads: cached local relations by their hash, and files of Python code."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import pyspark.sql.connect.proto as pb

from penstock.connect.errors import invalid_plan

#: What the names of artifacts begin with that are kept in memory alone.
CACHED = "cache/"

Part: TypeAlias = pb.AddArtifactsRequest.ArtifactChunk


class Artifacts:
    """The artifacts of one session, by name."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def cached(self, content_hash: str) -> bytes:
        """The artifact `cache/<hash>`."""
        data = self._data.get(CACHED + content_hash)
        if data is None:
            message = f"Nothing with the hash {content_hash} has been uploaded in this session."
            raise invalid_plan("NOT_FOUNDCACHEDD_LOCAL_RELATION", message, hash=content_hash)
        return data

    def data(self, name: str) -> bytes:
        """An artifact that is there."""
        return self._data[name]

    def copy(self) -> Artifacts:
        """The same artifacts, independent from now on."""
        other = Artifacts()
        other._data = dict(self._data)
        return other

    def add(self, requests: Iterable[pb.AddArtifactsRequest]) -> list[tuple[str, bool]]:
        """Take a stream of uploads: (name, whether its checksums agree); what does not agree is not kept."""
        summaries: list[tuple[str, bool]] = []
        for name, parts in _uploads(requests):
            good = all(part.crc == zlib.crc32(part.data) for part in parts)
            if good:
                self._data[name] = parts[0].data if len(parts) == 1 else b"".join(part.data for part in parts)
            summaries.append((name, good))
        return summaries


def _uploads(requests: Iterable[pb.AddArtifactsRequest]) -> Iterator[tuple[str, list[Part]]]:
    name, parts, missing = "", [], 0
    for request in requests:
        kind = request.WhichOneof("payload")
        if kind == "batch":
            yield from ((artifact.name, [artifact.data]) for artifact in request.batch.artifacts)
        elif kind == "begin_chunk":
            name, parts = request.begin_chunk.name, [request.begin_chunk.initial_chunk]
            missing = request.begin_chunk.num_chunks - 1
        elif kind == "chunk" and missing > 0:
            parts.append(request.chunk)
            missing -= 1
        else:
            raise invalid_plan("ASSERTION_FAILURE", "An artifact's chunk came without a beginning.")
        if kind != "batch" and missing == 0:
            yield name, parts
