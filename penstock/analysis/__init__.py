"""The analyzer: unresolved plans in, resolved plans or Spark's errors out."""

from penstock.analysis.analyzer import analyze
from penstock.analysis.context import AnalysisContext

__all__ = ["AnalysisContext", "analyze"]
