"""Docx, pptx, xlsx: a zip of XML parts, their paragraphs, and the runs of a paragraph."""
