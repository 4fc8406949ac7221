"""What the functions share: events, settings, clients, the ledger, observability, errors. No decisions."""
