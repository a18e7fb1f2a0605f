"""What the server takes and gives: an OpenAPI document put together from the dialects' files, and a page to read it."""
