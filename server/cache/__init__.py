"""Sentences that were translated before, or are being translated just now, are not translated again.

`store` keeps results within a bound of bytes; `engine` stands before a real engine and asks the store first. Neither
knows HTTP, text or tokenizers.
"""
