"""From a checkpoint to a bundle: graphs authored operator by operator, calibrated, packed, proved equal to torch."""

import server.engine  # noqa: F401  before onnxruntime, which would report home otherwise
