"""What users did: durable, in the order in which it became so, in SQLite or PostgreSQL.

The service writes events and reads those since its release; training reads them all. The package
knows neither.
"""
