"""What the server takes and gives, as an OpenAPI document made from the code that does it, and as a page to read."""
