"""What S3 says of an object that is not there."""

from typing import Final

from botocore.exceptions import ClientError

_NOT_THERE: Final = frozenset({"NoSuchKey", "NoSuchBucket", "AccessDenied"})


def is_not_there(exc: ClientError) -> bool:
    """Whether GetObject found nothing, as far as we may know.

    Who may list only below a prefix is told AccessDenied (403) of a missing object: the check for it names no prefix.
    So AccessDenied is either; a message about it has to name both.

    Source: S3 API reference, GetObject (404 with s3:ListBucket, 403 without), read 2026-11.
    """
    return exc.response["Error"]["Code"] in _NOT_THERE
