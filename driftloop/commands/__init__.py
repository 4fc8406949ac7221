"""One command a file. A command reads, asks, prints; what it decides is a function of its own."""
