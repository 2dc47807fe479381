"""For all tests: the package is imported first, so that the client can be imported in a worker of pytest-xdist too."""

import penstock  # noqa: F401
