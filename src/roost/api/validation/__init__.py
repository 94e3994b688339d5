"""The rules of every kind as pure functions: the webhook, the controllers and the CLI call the same ones."""
