"""The data model registry: a model is declared once, and its screens, files and interfaces derive from it."""
