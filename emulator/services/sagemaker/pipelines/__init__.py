"""Pipelines: their definitions, their executions, and the executor that performs the steps."""
