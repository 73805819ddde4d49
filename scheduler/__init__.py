"""When nights are run: once a day, never two at a time, a missed one once.

What a night does is the business of ``bitrecall retrain``, which runs as a process of its own.
"""
