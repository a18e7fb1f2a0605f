"""The LibreTranslate dialect: what clients written for that API send, and the answers they understand.

It knows HTTP bodies, uploaded files and the translator; it knows nothing of engines, ids or models' insides.
"""
