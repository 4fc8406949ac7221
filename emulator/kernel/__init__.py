"""Time, order, state and ports. Knows no AWS service."""
