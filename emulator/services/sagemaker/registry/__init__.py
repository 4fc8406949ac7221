"""The model registry: package groups and their versions."""
