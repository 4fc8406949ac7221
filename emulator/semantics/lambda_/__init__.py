"""What Lambda means: which event source records a function sees, and which of them it has dealt with."""
