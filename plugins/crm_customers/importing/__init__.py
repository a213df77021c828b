"""How imports write customers and what belongs to them: one target per model."""
