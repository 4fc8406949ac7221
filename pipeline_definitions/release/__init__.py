"""The `release` pipeline: one approved model package becomes what the endpoint serves."""
