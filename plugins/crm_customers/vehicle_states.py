"""How registered vehicles are insured: with us, elsewhere, not at all; and which vehicle of ours they are (CU-06)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from core.api import JobContext, system_actor, today_here

_LINK_BY_VIN = """
UPDATE crm_customers_registry_vehicle SET vehicle_id = (
    SELECT v.id FROM crm_customers_vehicle v WHERE v.identity_key = 'vin:' || crm_customers_registry_vehicle.vin)
WHERE vehicle_id IS NULL AND vin IS NOT NULL AND EXISTS (
    SELECT 1 FROM crm_customers_vehicle v WHERE v.identity_key = 'vin:' || crm_customers_registry_vehicle.vin)
"""
# A plate moves from vehicle to vehicle: only one whose VIN is not known to be another one may be linked by it.
_LINK_BY_PLATE = """
UPDATE crm_customers_registry_vehicle SET vehicle_id = (
    SELECT MAX(v.id) FROM crm_customers_vehicle v WHERE v.plate = crm_customers_registry_vehicle.plate
        AND (v.vin IS NULL OR crm_customers_registry_vehicle.vin IS NULL OR v.vin = crm_customers_registry_vehicle.vin))
WHERE vehicle_id IS NULL AND plate IS NOT NULL AND EXISTS (
    SELECT 1 FROM crm_customers_vehicle v WHERE v.plate = crm_customers_registry_vehicle.plate
        AND (v.vin IS NULL OR crm_customers_registry_vehicle.vin IS NULL OR v.vin = crm_customers_registry_vehicle.vin))
"""
# Last day of cover of motor policies in force, by vehicle; a cancelled policy covers until the day before.
_COVERED = """
SELECT i.vehicle_id AS vehicle_id, MAX(t.end_on) AS last_day
FROM crm_customers_policy_term t
JOIN crm_customers_insured_item i ON i.term_id = t.id
JOIN crm_customers_policy p ON p.id = t.policy_id
WHERE t.end_on >= :today AND t.start_on <= :today AND i.vehicle_id IS NOT NULL
    AND (p.state <> 'cancelled' OR p.cancelled_on > :today)
GROUP BY i.vehicle_id
"""
_STATES = f"""
WITH covered AS ({_COVERED}), wanted AS (
    SELECT r.id AS id,
        CASE WHEN c.last_day IS NOT NULL THEN 'ours'
             WHEN r.ctp_until >= :today OR (r.ctp_until IS NULL AND COALESCE(r.insurer, '') <> '') THEN 'elsewhere'
             ELSE 'none' END AS state,
        CASE WHEN c.last_day IS NOT NULL THEN c.last_day WHEN r.ctp_until >= :today THEN r.ctp_until END AS last_day
    FROM crm_customers_registry_vehicle r LEFT JOIN covered c ON c.vehicle_id = r.vehicle_id)
UPDATE crm_customers_registry_vehicle SET insured_state = wanted.state, insured_until = wanted.last_day
FROM wanted WHERE wanted.id = crm_customers_registry_vehicle.id AND (
    crm_customers_registry_vehicle.insured_state <> wanted.state
    OR COALESCE(CAST(crm_customers_registry_vehicle.insured_until AS TEXT), '')
        <> COALESCE(CAST(wanted.last_day AS TEXT), ''))
"""  # noqa: S608 -- built of constants only


def link_registry(connection: Connection) -> None:
    """Link registered vehicles that are not linked yet, by VIN, else by plate."""
    connection.execute(text(_LINK_BY_VIN))
    connection.execute(text(_LINK_BY_PLATE))


def refresh_states(connection: Connection, today: date) -> int:
    """Renew state and last day of cover of all registered vehicles; rows that stay the same are not written.

    ``ours``: a policy in force today insures the vehicle. ``elsewhere``: the registry knows compulsory cover that runs,
    or names an insurer without a day, and it is not ours. ``none``: everything else.

    Args:
        connection: Inside a write transaction.
        today: The civil day.

    Returns:
        Number of changed rows.
    """
    day = today.isoformat() if connection.dialect.name == "sqlite" else today
    return connection.execute(text(_STATES), {"today": day}).rowcount


def refresh_registered_vehicles(context: JobContext) -> dict[str, object]:
    """Renew the states every night: cover ends by time alone."""
    with context.suite.database.write(system_actor("registered vehicles")) as session:
        link_registry(session.connection())
        return {"changed": refresh_states(session.connection(), today_here())}
