"""Keyed state: memory whose cost follows the batch, versions on disk."""

from penstock.state.store import KeyedStore, open_store

__all__ = ["KeyedStore", "open_store"]
