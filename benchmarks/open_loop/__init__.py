"""The rooms of `sweep.py`: servers under an open loop, where latency counts from when a request was to be sent."""
