"""Wiring of the screens: routes, menu, slots, panels, columns, filters, home cards, search sources, permissions."""

from __future__ import annotations

from core.api import AuditAction, Label, MenuItem, Permission, Role, Slot
from plugins.crm_customers.models import TOTALS
from plugins.crm_customers.models.options import CLASSES

PERMISSIONS = [
    Permission(TOTALS, Label("Customers: company-wide totals", "客户：全公司合计")),
]
ROLES = [Role("crm_customers_totals", Label("Company-wide totals", "全公司合计"), (TOTALS,))]
"""Added to another role: for who looks after all branches, or does the accounts of shared customers."""
AUDIT_ACTIONS = [
    AuditAction(
        "customer.classify",
        Label("Customers classified", "客户分类"),
        {
            "as_of": Label("As of", "截至日"),
            "customers": Label("Customers", "客户"),
            "changed": Label("Changed", "变更"),
            "by_class": Label("By class", "各类别"),
            "reach": Label("Reach", "范围"),
        },
        {
            "all": Label("all customers", "全部客户"),
            "changed": Label("changed customers", "有变动的客户"),
            **{option.code: option.label for option in CLASSES},
        },
    ),
    AuditAction("customer.mark", Label("Customer marked", "设置客户标记")),
    AuditAction("customer.unmark", Label("Mark of a customer ended", "取消客户标记")),
]
SLOTS = [
    Slot("crm_customers.customer.top", Label("Customer, above everything", "客户页顶部")),
    Slot("crm_customers.customer.tabs", Label("Customer, below the tabs", "客户页主栏")),
    Slot("crm_customers.customer.side", Label("Customer, right column", "客户页右栏")),
]
MENU = [
    MenuItem(
        "crm_customers.class_settings",
        Label("Limits of the customer classes, from a day on", "客户分类标准（按生效日期）"),
        "/crm_customers/class_settings",
        "crm_customers.class_setting.view",
        "adjustments",
        group="settings",
    ),
    MenuItem(
        "crm_customers.customers",
        Label("Customers", "客户"),
        "/crm_customers/customers",
        "crm_customers.customer.view",
        "users",
        order=10,
        tab=True,
    ),
    MenuItem(
        "crm_customers.policies",
        Label("Policies", "保单"),
        "/crm_customers/policies",
        "crm_customers.policy.view",
        "file-text",
        order=20,
        tab=True,
    ),
    MenuItem(
        "crm_customers.vehicles",
        Label("Vehicles", "车辆"),
        "/crm_customers/registry_vehicles",
        "crm_customers.registry_vehicle.view",
        "car",
        order=30,
        tab=True,
    ),
    MenuItem(
        "crm_customers.claims",
        Label("Claims", "赔案"),
        "/crm_customers/claims",
        "crm_customers.claim.view",
        "alert-triangle",
        order=40,
    ),
    MenuItem(
        "crm_customers.receivables",
        Label("Receivables", "应收"),
        "/crm_customers/receivables",
        "crm_customers.receivable.view",
        "receipt",
        order=50,
    ),
    MenuItem(
        "crm_customers.prospects",
        Label("Prospects", "潜在客户"),
        "/crm_customers/prospects",
        "crm_customers.customer.view",
        "user-plus",
        "analysis",
    ),
    MenuItem(
        "crm_customers.penetration",
        Label("Vehicle penetration", "车辆渗透率"),
        "/crm_customers/penetration",
        "crm_customers.registry_vehicle.view",
        "chart-bar",
        "analysis",
    ),
    MenuItem(
        "crm_customers.address_review",
        Label("Addresses to review", "待核地址"),
        "/crm_customers/addresses?q=complete:no",
        "crm_customers.address.view",
        "map-pin",
        "data",
    ),
]
