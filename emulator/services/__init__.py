"""The AWS services that we own, one package each. They do not import each other; they talk through `ctx.kernel`."""
