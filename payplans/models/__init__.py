"""Plans, installments and the rows behind them."""

from payplans.models.installments import ChargeRow, Installment
from payplans.models.plans import PayPlan, PlanSplit
from payplans.models.shares import PlanShare

__all__ = ["ChargeRow", "Installment", "PayPlan", "PlanShare", "PlanSplit"]
