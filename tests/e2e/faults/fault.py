"""Run the image's command, except the one that this image is broken for."""

import os
import sys
import time

command = sys.argv[1]
fault = os.environ["INSSA_FAULT"]
if command == fault == "serve":
    time.sleep(3600)  # Alive, and never ready.
elif command == fault:
    sys.exit(f"{command}: broken on purpose")
else:
    os.execvp("inssaservice", ["inssaservice", *sys.argv[1:]])
