"""A job that cannot go on."""

from __future__ import annotations


class JobFailure(Exception):  # noqa: N818 - AWS's noun
    """`str()` is the job's FailureReason, starting with ClientError, AlgorithmError or InternalServerError."""
