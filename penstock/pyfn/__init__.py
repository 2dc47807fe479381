"""Python functions in a query: taken out of the plan as steps of their own, evaluated in process over Arrow."""

from penstock.pyfn.extract import PYTHON_NODES, extract, holds_python
from penstock.pyfn.steps import PythonStep, cut, split

__all__ = ["PYTHON_NODES", "PythonStep", "cut", "extract", "holds_python", "split"]
