"""Durable, ordered storage of user events in SQLite or PostgreSQL.

The service writes events and reads those newer than its release; training reads all of them. This
package imports neither.
"""
