"""AWS CloudFormation: just another client. A template becomes a plan, the plan becomes API calls."""

from emulator.services.cloudformation import change_sets, stacks

OPERATIONS = {**stacks.OPERATIONS, **change_sets.OPERATIONS}

__all__ = ["OPERATIONS"]
