"""One file per phase: which things it puts on a machine and what it will leave behind. Pure; listed in steps.py."""
