"""A local AWS: the services that carry an MLOps loop, really running. Knows what AWS knows, nothing of our stack."""
