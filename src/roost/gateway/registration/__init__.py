"""Registered clusters on the platform's side: who may connect, what is shown of them, and how a token is made."""
