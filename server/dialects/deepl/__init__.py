"""The DeepL-compatible dialect under /v2: what clients written for that API send, and the answers they understand.

It knows HTTP bodies, glossaries and the translator; it knows nothing of engines, ids or models' insides.
"""
