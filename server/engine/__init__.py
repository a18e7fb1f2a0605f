"""The engine: continuous batching of sentences over one bundle. Ids in, ids out; it knows no text and no HTTP."""
