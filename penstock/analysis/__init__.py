"""The analyzer: unresolved plans in, resolved plans or Spark's errors out."""

from penstock.analysis.analyzer import analyze

__all__ = ["analyze"]
