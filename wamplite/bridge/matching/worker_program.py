"""The program of a worker: lines of JSON in, a pattern with its flags and then texts; groups out.

It is run by its path, imports nothing of wamplite, and ends when its input does.
"""

import json
import os
import re
import sys


def main() -> None:
    """Match one text after the other."""
    os.nice(5)
    text, flags = json.loads(sys.stdin.readline())
    pattern = re.compile(text, flags)
    print("ready", flush=True)
    for line in sys.stdin:
        match = pattern.search(json.loads(line))
        print(json.dumps(match and [match[0], *match.groups()]), flush=True)


if __name__ == "__main__":
    main()
