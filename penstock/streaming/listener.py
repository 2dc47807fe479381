"""What a program overrides to be told what happens.  The events are in `events.py`."""

# The names are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

from typing import Any


class StreamingListener:
    """Each call comes in a thread of the context's own, in order."""

    def onStreamingStarted(self, streamingStarted: Any) -> None:
        """The context has started."""

    def onReceiverStarted(self, receiverStarted: Any) -> None:
        """A receiver has started."""

    def onReceiverError(self, receiverError: Any) -> None:
        """A receiver has reported an error."""

    def onReceiverStopped(self, receiverStopped: Any) -> None:
        """A receiver has stopped."""

    def onBatchSubmitted(self, batchSubmitted: Any) -> None:
        """A batch's jobs have been made."""

    def onBatchStarted(self, batchStarted: Any) -> None:
        """The first job of a batch has begun."""

    def onBatchCompleted(self, batchCompleted: Any) -> None:
        """The last job of a batch has ended."""

    def onOutputOperationStarted(self, outputOperationStarted: Any) -> None:
        """An output operation of a batch has begun."""

    def onOutputOperationCompleted(self, outputOperationCompleted: Any) -> None:
        """An output operation of a batch has ended."""
