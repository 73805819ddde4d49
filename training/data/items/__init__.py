"""Item tables: tags and attributes of items."""
