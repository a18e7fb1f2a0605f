"""What strangers can send, made up at random: through the whole application, and to the parsers themselves.

The same cases each time, so that nobody's change fails by chance; `FERRY_FUZZ=50 pytest tests/fuzz` tries fifty times
as many, and others each time.
"""
