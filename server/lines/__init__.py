"""`ferry-translate`: the lines of a file or a stream through a bundle of ours or a running server."""
