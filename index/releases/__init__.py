"""The store of releases: files, manifest, ids, attributes and the order of activations."""
