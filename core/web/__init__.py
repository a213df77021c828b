"""The web kit: application, middleware, templates, generated lists and records."""
