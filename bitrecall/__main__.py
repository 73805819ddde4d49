"""``python -m bitrecall`` is the ``bitrecall`` command."""

from bitrecall.cli import main

if __name__ == "__main__":
    main()
