"""Our own API: `/v1`, and `GET /translate` for a browser's address line."""
