"""What was asked of a program and what it did, line by line: chained, signed, and only ever added to."""
