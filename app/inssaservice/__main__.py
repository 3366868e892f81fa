"""`python -m inssaservice`, the same as the `inssaservice` command."""

import sys

from inssaservice.cli import main

if __name__ == "__main__":
    sys.exit(main())
