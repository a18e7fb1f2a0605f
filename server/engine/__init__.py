"""The engine: continuous batching of sentences over one bundle. Ids in, ids out; it knows no text and no HTTP."""

import os

# From 1.29 on onnxruntime tells its maker of every process and session, and keeps an identifier of the machine in the
# home folder, unless this is set before it is first imported. People run their own server so that nothing leaves it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
