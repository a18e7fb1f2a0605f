"""Where a model's files come from when they are not on this machine, or packed: services, and archives.

Whatever comes is checked before it has its name; which kind of model it is, `export.sources` finds out.
"""
