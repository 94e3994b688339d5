"""The one door: the front, sign-in, the way to the platform's API and into every cluster, the audit log."""
