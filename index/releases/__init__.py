"""The store of releases: files, manifests, ids, attributes and the history of activations."""
