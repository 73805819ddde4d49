"""The OpenAPI document, from the models that requests and answers are made of."""
