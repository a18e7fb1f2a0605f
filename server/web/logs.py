"""What the server writes to stderr: lines for people, or JSON for programs. Never a text, a key or an address."""

import logging
from datetime import UTC, datetime

import msgspec

from server.settings import LogFormat, LogLevel

access_log = logging.getLogger("ferry.access")


class JsonFormatter(logging.Formatter):
    """One object a line. What `extra={"fields": …}` has becomes fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def configure_logs(level: LogLevel, format: LogFormat, access: bool) -> None:
    """Set up logging for the process; `access` asks for a line for each request.

    `level` and `format` are those of the settings.
    """
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    if format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())
    access_log.setLevel(logging.INFO if access else logging.WARNING)
    if level != "debug":
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each malformed form


def log_request(method: str, route: str, status: int, seconds: float, request_id: str, code: str | None) -> None:
    """Write a line for an answered request.

    Args:
        method: of HTTP.
        route: its template, since a path may hold an id that opens something.
        status: of the answer.
        seconds: from the head of the request to the end of the answer.
        request_id: that the answer bears.
        code: of the error; None if it went well.
    """
    milliseconds = round(1000 * seconds, 1)
    fields = {"method": method, "route": route, "status": status, "ms": milliseconds, "request_id": request_id}
    if code is not None:
        fields["code"] = code
    access_log.info("%s %s %d %.1f ms %s", method, route, status, milliseconds, request_id, extra={"fields": fields})
