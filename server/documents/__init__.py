"""Documents: taken apart into texts, translated in the background, and put together again.

`formats` knows files, `content` the translator, `jobs` when which document is translated; where they are kept is
`server.storage`. All of it serves every dialect and knows none; nothing here knows engines or ids.
"""
