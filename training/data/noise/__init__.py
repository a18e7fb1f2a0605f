"""Noise: pairs of lines changed as people's text differs from corpora, both sides alike, so that a model learns it.

A change is a function from a pair to a changed pair, or to None where it does not apply. Nothing here knows ids.
"""
