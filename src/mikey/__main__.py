"""The `mikey` command: the command line if its extra is installed, else how to get it."""

from __future__ import annotations

import sys

_INTERRUPTED = 130
_EXTRA = frozenset({"click", "rich"})


def main() -> int:
    """Run the command line and return its exit status; 2 if it is not installed."""
    try:
        from mikey.cli.main import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print("mikey: the command line needs its extra: pip install 'mikey[cli]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mikey: interrupted", file=sys.stderr)
        return _INTERRUPTED
    return run()


if __name__ == "__main__":
    sys.exit(main())
