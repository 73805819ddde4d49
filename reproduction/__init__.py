"""The reproduction of the paper's table and its studies, for ``bitrecall reproduce``."""
