"""Release: what a person's approval or rejection means, one release after the other."""
