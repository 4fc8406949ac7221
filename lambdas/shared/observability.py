"""How the functions speak to those who watch them: one JSON line per thing that happened."""

from aws_lambda_powertools import Logger

log = Logger()
"""Logs a constant event and fields, `log.info("run.started", extra={...})`; POWERTOOLS_* say service and level."""
