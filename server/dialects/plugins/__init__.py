"""What plug-ins of browsers speak to a server of one's own, and MTranServer, which many of them are set to.

Immersive Translate's custom service, Kiss Translator's custom interface, and MTranServer's own paths. It knows HTTP
bodies and the translator; it knows nothing of engines, ids or models' insides.
"""
