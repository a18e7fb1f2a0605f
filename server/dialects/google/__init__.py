"""The Google dialect: what clients of Google's Cloud Translation, Basic (v2), send, and the answers they understand.

It knows HTTP bodies and the translator; it knows nothing of engines, ids or models' insides.
"""
