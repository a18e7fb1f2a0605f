"""What can go wrong while exporting because of what the user gave; shown without a traceback."""

from server.errors import FerryError


class ExportError(FerryError):
    """An export that cannot be done, or whose result must not be served: value, limit, remedy."""

    code = "export_failed"
