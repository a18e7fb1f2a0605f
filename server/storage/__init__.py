"""All that outlives a process: documents, glossaries, translated files and counts of characters."""
