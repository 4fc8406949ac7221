"""What may go wrong with a message, by what helps: trying again, or a person."""


class Transient(Exception):  # noqa: N818 - the word is the answer: try again
    """Trying again later may help: the message goes back to its queue."""


class Permanent(Exception):  # noqa: N818
    """No retry will help: the message goes to the dead-letter queue, with the reason.

    Attributes:
        subject: what the message is about.
    """

    def __init__(self, subject: str, problem: str) -> None:
        self.subject = subject
        super().__init__(f"{subject}: {problem}")
