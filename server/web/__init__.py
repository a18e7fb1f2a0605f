"""What is done to any request, whatever its dialect: connections, bodies, callers, errors, metrics, logs."""
