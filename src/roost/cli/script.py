#!python
"""What is installed as the command `roost` (hatch's shared-scripts in pyproject.toml).

Not an entry point of the usual kind: installers write those with an `import re`, which takes a third of the
time of `roost version`.
"""

import sys

from roost.cli.entry import run

if __name__ == "__main__":
    sys.exit(run())
