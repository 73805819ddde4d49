"""Searching on a Milvus server, for a catalogue or a load that one machine is too small for."""
