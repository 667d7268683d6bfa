# SPDX-License-Identifier: MIT
"""python -m crfd"""

import sys

from crfd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
