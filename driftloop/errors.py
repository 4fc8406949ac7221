"""What went wrong, said so that a person knows the next step."""


class UserError(Exception):
    """Printed without a traceback; the message names what was expected, what was found and what to do."""
