"""What is wrong with a template."""


class TemplateError(ValueError):
    """The template cannot be deployed; the message names the place. CloudFormation answers ValidationError."""
