"""Deployment units: they make units, pass names, grant and output."""
