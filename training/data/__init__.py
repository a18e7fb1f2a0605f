"""From text files to batches of ids: read, clean, tokenise, store, batch. Nothing here knows the model."""
