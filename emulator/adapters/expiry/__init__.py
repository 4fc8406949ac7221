"""What goes by itself when its time is over: objects by lifecycle rules, items by their time to live."""

from emulator.adapters.expiry.engine import start

__all__ = ["start"]
