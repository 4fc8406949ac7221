"""Ingest: which files are new, who may run, and what became of them when the run ended."""
