"""From a folder to running engines: loaded and verified, exchanged while they answer, asked through a cache."""
