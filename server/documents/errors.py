"""What can be wrong with a document, or with keeping it. No message quotes a document or the name of its file."""

from server.errors import FerryError, InvalidRequestError, QueueFullError

FULL_RETRY_S = 60.0


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


class DocumentStoreFullError(QueueFullError):
    """The stored documents take all the space they may; refused at once, nothing was stored."""

    def __init__(self, message: str) -> None:
        super().__init__(message, FULL_RETRY_S)


class StorageError(FerryError):
    """The disk did not take a document; nothing of it is left there."""

    code = "storage_failed"
    status = 503
