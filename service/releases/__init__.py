"""The release that is served: loading, warming up, and comparing with other releases."""
