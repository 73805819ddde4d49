"""Run the ``bitrecall`` command with ``python -m bitrecall``."""

from bitrecall.cli import main

if __name__ == "__main__":
    main()
