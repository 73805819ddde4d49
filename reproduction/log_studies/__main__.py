"""Run the studies."""

from bitrecall.reproduction.log_studies.command import main

if __name__ == "__main__":
    main()
