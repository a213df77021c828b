"""Customers: who is insured with us and who could be, each once."""
