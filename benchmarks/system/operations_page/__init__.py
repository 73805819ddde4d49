"""The commands of docs/operations.md, run on a Docker engine."""
