"""Where a template comes from: the request itself, or S3 by URL."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Params


def template_body(params: Params, ctx: Context) -> str:
    """The template's text.

    Raises:
        AwsError: ValidationError when there is neither a body nor a readable URL.
    """
    if params.get("TemplateBody"):
        return str(params["TemplateBody"])
    url = params.get("TemplateURL")
    if not url:
        raise AwsError("ValidationError", "Either Template URL or Template Body must be specified.")
    bucket, key = _bucket_and_key(url)
    try:
        return bytes(
            ctx.kernel.calls("s3", "GetObject", {"Bucket": bucket, "Key": key}, ctx.principal)["Body"]
        ).decode()
    except AwsError as error:
        raise AwsError("ValidationError", f"S3 error: {error.message} ({url})") from error


def _bucket_and_key(url: str) -> tuple[str, str]:
    """Of a path-style URL, or of one whose host starts with the bucket's name."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    if ".s3." in parts.netloc:
        return parts.netloc.split(".s3.")[0], path
    bucket, _, key = path.partition("/")
    return bucket, key
