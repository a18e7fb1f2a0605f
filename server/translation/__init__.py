"""Text in, translated text out: planned, through the engine, put together. Knows no HTTP and no dialect."""
