"""Draws losses and endorsements on the portfolio's terms."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from plugins.crm_customers.demo.holders import draw_address
from plugins.crm_customers.demo.terms import (
    ACCIDENT,
    CARGO,
    COMMERCIAL,
    COMPULSORY,
    DRIVER,
    EMPLOYER,
    HOME,
    PROPERTY,
    PUBLIC,
    Claim,
    Desk,
    Endorsement,
    Term,
)

# Line code → share of policy years with a loss, median loss in cents, causes.
_OTHER_LOSSES: dict[str, tuple[float, int, tuple[str, ...]]] = {
    PROPERTY.code: (0.07, 6_000_000, ("火灾", "暴雨", "台风", "水管爆裂")),
    EMPLOYER.code: (0.13, 3_000_000, ("机械伤害", "高处坠落", "上下班交通事故")),
    PUBLIC.code: (0.06, 3_000_000, ("顾客滑倒", "高空坠物")),
    CARGO.code: (0.08, 3_500_000, ("货物碰撞", "雨淋", "装卸破损")),
    HOME.code: (0.03, 250_000, ("水管爆裂", "盗窃", "火灾")),
    ACCIDENT.code: (0.025, 350_000, ("意外摔伤", "交通事故")),
}
_MOTOR_CAUSES = ("碰撞", "追尾", "倒车碰撞", "剐蹭", "单方事故", "玻璃单独破碎", "暴雨涉水")
_CHANGES = (
    ("37", "险别", "加保三者险"),
    ("34", "特约", "特约变更"),
    ("01", "关系人", "变更被保险人地址"),
    ("42", "车辆信息", "更正发动机号"),
)


class ClaimBook:
    """Draws claims and endorsements of terms at one desk; nothing happens after ``as_of``."""

    def __init__(self, rng: Random, as_of: date, desk: Desk) -> None:
        self._rng = rng
        self._as_of = as_of
        self._desk = desk

    def motor(self, terms: list[Term], accidents: list[date]) -> list[Claim]:
        """Returns the claims of one vehicle: an accident touches own cover first, compulsory cover sometimes."""
        claims: list[Claim] = []
        for day in accidents:
            running = {term.line.code: term for term in terms if covers(term, day)}
            main = running.get(COMMERCIAL.code)
            small = running.get(COMPULSORY.code)
            driver = running.get(DRIVER.code)
            cause = self._rng.choice(_MOTOR_CAUSES)
            if main:
                injury = self._rng.random() < 0.06
                amount = self._rng.lognormvariate(12.8, 1.0) * (8 if injury else 1)
                claims.append(self._claim(main, day, cause, round(amount), injury))
            if small and (not main or self._rng.random() < 0.3):
                claims.append(self._claim(small, day, cause, self._rng.randint(30_000, 200_000), injury=False))
            if driver and self._rng.random() < 0.06:
                claims.append(self._claim(driver, day, cause, self._rng.randint(80_000, 900_000), injury=True))
        return claims

    def other(self, terms: list[Term]) -> list[Claim]:
        """Returns the claims of one holder's other lines."""
        claims: list[Claim] = []
        for term in terms:
            share, median, causes = _OTHER_LOSSES[term.line.code]
            until = min(term.end, self._as_of, (term.cancelled or date.max) - timedelta(days=1))
            if until > term.start and self._rng.random() < share:
                day = term.start + timedelta(days=self._rng.randint(0, (until - term.start).days))
                amount = round(median * self._rng.lognormvariate(0, 0.9))
                claims.append(
                    self._claim(term, day, self._rng.choice(causes), amount, term.line in {EMPLOYER, ACCIDENT})
                )
        return claims

    def endorsements(self, terms: list[Term]) -> list[Endorsement]:
        """Returns the endorsements: one refund for each cancelled term, changes on about one term in thirty."""
        found = []
        for term in terms:
            if term.cancelled:
                found.append(
                    Endorsement(f"{term.number}-001", term, "16", "退保", term.cancelled, _refund(term), "退保")
                )
            elif self._rng.random() < 0.035 and term.start < self._as_of:
                found.append(self._change(term))
        return found

    def _change(self, term: Term) -> Endorsement:
        rng = self._rng
        until = min(term.end, self._as_of)
        day = term.start + timedelta(days=rng.randint(0, (until - term.start).days))
        # Compulsory cover has no parts to add or drop, so code 37 is not for it.
        fitting = _CHANGES[1:] if term.line is COMPULSORY else _CHANGES
        code, kind, reason = fitting[0] if rng.random() < 0.5 else rng.choice(fitting)
        change = 0
        if code == "37":
            left = (term.end - day).days + 1
            change = round(term.premium * rng.choice((-12, 8, 15, 22)) * left / 36_500)
            reason = reason if change > 0 else "降低保额"
        return Endorsement(f"{term.number}-001", term, code, kind, day, change, reason)

    def _claim(self, term: Term, day: date, cause: str, amount: int, injury: bool) -> Claim:
        rng = self._rng
        reported = min(day + timedelta(days=rng.choice((0, 0, 0, 1, 2))), self._as_of)
        closing = reported + timedelta(days=rng.randint(40, 320) if injury else rng.randint(4, 60))
        number = self._desk.claim_number(term.line, reported)
        place = draw_address(rng, term.holder.county)
        estimate = round(amount * rng.uniform(0.9, 1.3))
        if closing > self._as_of:
            paid = round(amount * 0.3) if rng.random() < 0.15 else 0
            return Claim(
                number, f"R{number}", term, day, reported, None, cause, place, injury, estimate, paid, estimate - paid
            )
        paid = 0 if rng.random() < 0.06 else amount
        return Claim(number, f"R{number}", term, day, reported, closing, cause, place, injury, estimate, paid, 0)


def covers(term: Term, day: date) -> bool:
    """Returns whether the term is in force on the day; a cancellation dated D ends it before D."""
    return term.start <= day <= term.end and (term.cancelled is None or day < term.cancelled)


def _refund(term: Term) -> int:
    """Returns the pro-rata refund as a negative number of cents (T1-9)."""
    days = (term.end - term.start).days + 1
    left = days - ((term.cancelled or term.end) - term.start).days
    return -((2 * term.premium * left + days) // (2 * days))
