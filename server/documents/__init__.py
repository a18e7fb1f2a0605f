"""Documents: taken apart into texts, translated in the background, and put together again.

`formats` knows files, `translation` the translator, `store` the disk, `jobs` when which document is translated. All of
it serves every dialect and knows none; nothing here knows engines or ids.
"""
