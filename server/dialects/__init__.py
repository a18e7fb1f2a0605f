"""The APIs that clients speak, a folder each: its routes, its words for no, its part of the OpenAPI document."""
