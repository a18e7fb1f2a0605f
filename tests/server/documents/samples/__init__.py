"""Files as people send them, of our own making, for every format.

All that is language in them are words that begin with `ü`, and no others do: so what a translated file has to look
like is known without knowing its format.
"""
