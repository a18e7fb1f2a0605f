"""What whoever runs the server asks: health and metrics. It takes no key, and tells errors as `/v1` does."""
