"""Watch the platform's API and bring the world to the spec."""
