"""The training package: parallel text in, checkpoints out. It imports neither of the others."""
