"""Real faults against real servers: what the caller sees, and that nobody gets a wrong answer."""
