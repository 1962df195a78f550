"""``python -m fastinfo``: the command line."""

import sys

from fastinfo.cli import main

sys.exit(main())
