"""Xml of which every byte has its place: read with nothing followed or expanded, and changed where a text stands."""
