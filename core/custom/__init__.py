"""Fields that administrators add to models without code: their declarations, their values, what derives from them."""
