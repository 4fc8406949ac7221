"""Reconcile: what lost events left behind is found, and sent again to whoever should have had it."""
