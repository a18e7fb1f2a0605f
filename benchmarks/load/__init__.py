"""What the load tests share: arrivals, questions with their answers, callers, the server they ask, and the report."""
