"""All samples."""

from tests.server.documents.samples.books import BOOKS
from tests.server.documents.samples.more import MORE
from tests.server.documents.samples.office import OFFICE
from tests.server.documents.samples.texts import TEXTS

SAMPLES = (*TEXTS, *OFFICE, *BOOKS, *MORE)
