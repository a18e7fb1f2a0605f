"""The parts of `benchmarks/engine_speed.py`: the text to translate, the systems that do, and what is written down."""
