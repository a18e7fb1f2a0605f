"""The xml parts of a zip archive with their texts, and the archive with others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from server.documents.formats.archive import Archive
from server.documents.formats.xmlsource.flow import Rules, Run, edit_runs, find_runs
from server.documents.formats.xmlsource.nodes import MAX_XML_BYTES, Node, Source, parse_source
from server.errors import InvalidDocumentError


@dataclass(frozen=True)
class Part:
    """An entry of an archive, and its texts."""

    name: str
    source: Source
    runs: list[Run]

    def write(self, texts: Iterator[str]) -> bytes | None:
        """The part with the next of `texts`; None if nothing has changed."""
        edits = edit_runs(self.source, self.runs, texts)
        return self.source.changed(edits) if edits else None


def build_part(name: str, source: Source, roots: Iterable[Node], rules: Rules) -> Part:
    """A part with its texts.

    Args:
        name: of the entry.
        source: its xml.
        roots: where its texts are, in the order of the file and not in one another.
        rules: what its elements are.
    """
    return Part(name, source, [run for root in roots for run in find_runs(root, rules)])


def read_part(archive: Archive, name: str, doctype: bool = False) -> Source:
    """An entry as xml.

    Args:
        archive: that has it.
        name: of the entry.
        doctype: whether it may name a document type.

    Raises:
        InvalidDocumentError: it is damaged, too large, or declares entities.
    """
    check_xml_bytes(archive, [name])
    return parse_source(archive.read(name), doctype)


def check_xml_bytes(archive: Archive, names: Iterable[str]) -> None:
    """Refuse parts that are too large together, before any of them is unpacked.

    Raises:
        InvalidDocumentError: they are.
    """
    num_bytes = sum(archive.sizes[name] for name in names)
    if num_bytes > MAX_XML_BYTES:
        raise InvalidDocumentError(
            f"The text of the file takes {num_bytes} bytes; {MAX_XML_BYTES} is the most it may. Send it in parts."
        )


def read_parts(parts: Iterable[Part]) -> list[str]:
    """The texts of all parts."""
    return [run.xml for part in parts for run in part.runs]


def write_parts(archive: Archive, parts: Iterable[Part], texts: Sequence[str]) -> bytes:
    """The archive with other texts in its parts.

    Args:
        archive: that has them.
        parts: those with texts.
        texts: as many as all parts have.
    """
    waiting = iter(texts)
    written = {part.name: part.write(waiting) for part in parts}
    return archive.rewritten({name: content for name, content in written.items() if content is not None})
