"""Edges: HTTP, the wire format, moto, processes, files."""
