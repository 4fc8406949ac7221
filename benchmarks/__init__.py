"""Each figure that our documents quote, as a command."""
