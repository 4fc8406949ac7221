"""Change an endpoint: the function that the release's Lambda steps call. It starts one change and returns."""
