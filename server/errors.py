"""Every error a user of the server can cause or meet, with its HTTP status, said once.

Raise the most specific class with a message that names the field, the value, the limit and the remedy. The
HTTP layer maps `status` and `code` of these classes to its answers; nothing else decides a status.
"""

# Space comes when what is stored is fetched or becomes too old.
FULL_RETRY_S = 60.0


class FerryError(Exception):
    """Base of all errors that may be shown to a caller. `code` is stable and machine-readable."""

    code = "internal"
    status = 500


class BundleError(FerryError):
    """A bundle that cannot be served: missing, damaged, of an unknown format, or failing its self-test."""

    code = "bundle_invalid"
    status = 500


class SettingsError(FerryError):
    """A flag or FERRY_* variable with an impossible value; the message names the flag."""

    code = "settings_invalid"
    status = 500


class InvalidRequestError(FerryError):
    """The request itself is wrong: malformed JSON, a missing or mistyped field, a value out of range."""

    code = "invalid_request"
    status = 400


class UnsupportedPairError(InvalidRequestError):
    """No loaded model translates between the two languages asked for."""

    code = "unsupported_pair"


class RequestTooLargeError(FerryError):
    """Body, text or number of texts over the server's limit."""

    code = "request_too_large"
    status = 413


class RequestTimeoutError(FerryError):
    """The client took too long over sending its request; nothing was started."""

    code = "request_timeout"
    status = 408


class KeyRequiredError(FerryError):
    """Only callers with an API key may ask, and this one sent none."""

    code = "key_required"
    status = 401


class UnknownKeyError(FerryError):
    """An API key that is not, or no longer, in the server's file."""

    code = "key_unknown"
    status = 403


class QuotaExceededError(FerryError):
    """The caller has had as many characters translated as it may."""

    code = "quota_exceeded"
    status = 403


class RateLimitedError(FerryError):
    """The caller asks too often, or for too much at a time. `retry_after_s` says when to come back, in seconds."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, retry_after_s: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFullError(FerryError):
    """The bounded queue is full: refused at once, nothing was started. `retry_after_s` is a hint in seconds."""

    code = "overloaded"
    status = 503

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(FerryError):
    """The request's deadline passed while it waited or ran; its rows have been given back."""

    code = "deadline_exceeded"
    status = 504


class EngineStoppedError(FerryError):
    """The engine is shutting down or has failed; the request was not, or not fully, translated."""

    code = "unavailable"
    status = 503


class InvalidDocumentError(InvalidRequestError):
    """A file that cannot be translated; the message says why and what to do."""

    code = "invalid_document"


class DocumentNotFoundError(FerryError):
    """No document has this id and key: it never was, was fetched already, or became too old."""

    code = "document_not_found"
    status = 404


class DocumentNotReadyError(FerryError):
    """The document is still waiting or being translated."""

    code = "document_not_ready"
    status = 503


class StoreFullError(QueueFullError):
    """What is kept for clients takes all the space it may; refused at once, nothing was stored."""

    def __init__(self, message: str, retry_after_s: float = FULL_RETRY_S) -> None:
        super().__init__(message, retry_after_s)


class StorageError(FerryError):
    """The disk did not take, or give, what a client stores; nothing half-written is left there."""

    code = "storage_failed"
    status = 503


class GlossaryNotFoundError(FerryError):
    """No glossary has this id."""

    code = "glossary_not_found"
    status = 404


class PathNotFoundError(FerryError):
    """Nothing is at this path."""

    code = "not_found"
    status = 404


class MethodNotAllowedError(FerryError):
    """What is at this path is asked in another way."""

    code = "method_not_allowed"
    status = 405


class FileNotThereError(FerryError):
    """No file of this name is kept: it never was, was fetched already, or became too old."""

    code = "not_found"
    status = 404
