"""HTTP clients of a running service, with the methods and result types of ``Model``."""
