"""Tables of crm_customers, one noun per file."""

from plugins.crm_customers.models.claims import Claim, Receivable
from plugins.crm_customers.models.classes import ClassDue, ClassHistory, ClassSetting, CustomerMark, DuplicateCandidate
from plugins.crm_customers.models.contacts import Address, ContactPoint, CustomerIdentity
from plugins.crm_customers.models.customers import (
    TOTALS,
    AccountManager,
    Customer,
    CustomerBranch,
    CustomerCustom,
    CustomerSource,
    foreign_relations,
)
from plugins.crm_customers.models.policies import Cover, Endorsement, InsuredItem, Policy, PolicyTerm, ReinsuranceShare
from plugins.crm_customers.models.vehicles import RegistryVehicle, Vehicle

__all__ = [
    "TOTALS",
    "AccountManager",
    "Address",
    "Claim",
    "ClassDue",
    "ClassHistory",
    "ClassSetting",
    "ContactPoint",
    "Cover",
    "Customer",
    "CustomerBranch",
    "CustomerCustom",
    "CustomerIdentity",
    "CustomerMark",
    "CustomerSource",
    "DuplicateCandidate",
    "Endorsement",
    "InsuredItem",
    "Policy",
    "PolicyTerm",
    "Receivable",
    "RegistryVehicle",
    "ReinsuranceShare",
    "Vehicle",
    "foreign_relations",
]
