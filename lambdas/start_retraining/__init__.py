"""Retrain: what an alarm on production means, without losing it and without running away."""
