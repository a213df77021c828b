"""Writes a made-up demonstration portfolio of 嘉兴 as messy core-system exports for the real import path."""

from plugins.crm_customers.demo.branch_files import DemoFile
from plugins.crm_customers.demo.portfolio import Control, Portfolio, write_portfolio

__all__ = ["Control", "DemoFile", "Portfolio", "write_portfolio"]
