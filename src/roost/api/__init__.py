"""What people ask for and what roost answers: kinds, conditions, validation. Pure; no I/O."""
