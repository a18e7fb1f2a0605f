"""Strings, and what can be told of them without an engine: sentences, ids, languages, casing, symptoms."""
