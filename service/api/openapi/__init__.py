"""The OpenAPI document, generated from the models of requests and responses."""
