"""Plans, installments and the rows behind them."""

from payplans.models.installments import ChargeRow, Installment
from payplans.models.plans import PayPlan, PlanSplit

__all__ = ["ChargeRow", "Installment", "PayPlan", "PlanSplit"]
