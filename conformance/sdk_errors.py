"""Errors of clients that run in processes of their own, as boto3 would raise them here.

What always holds: an error is a `ClientError` of the class that boto3 names it by, with `response["Error"]["Code"]`
and `["Message"]` as its client told them. What the client did not tell is not made up.
"""

from functools import cache


class Exceptions:
    """The error classes of a client, by name."""

    def __getattr__(self, name):
        return error_class(name)


@cache
def error_class(name):
    """The class of errors of this name; all are `ClientError`s."""
    from botocore.exceptions import ClientError

    return ClientError if name == "ClientError" else type(name, (ClientError,), {})
