"""The `train` pipeline: validate -> prepare -> train -> evaluate -> gate: register | fail."""
