"""The training room: parallel text in, checkpoints out. It imports no other room."""
