"""Tests. Whoever imports onnxruntime itself finds its reports switched off."""

import server.engine  # noqa: F401
