"""Tests of plugins.crm_customers."""
