"""Make the next version from what production saw."""
