"""Open Dental's enumerations: names on the wire, numbers in the database."""

from __future__ import annotations

from typing import Any

PAT_STATUS = ("Patient", "NonPatient", "Inactive", "Archived", "Deleted", "Deceased", "Prospective")
GENDER = ("Male", "Female", "Unknown", "Other")
POSITION = ("Single", "Married", "Child", "Widowed", "Divorced")
YES_NO = ("Unknown", "Yes", "No")
CONTACT = ("None", "DoNotCall", "HmPhone", "WkPhone", "WirelessPh", "Email", "SeeNotes", "Mail", "TextMessage")
PAY_SCHEDULE = ("Monthly", "MonthlyDayOfWeek", "Weekly", "BiWeekly", "Quarterly")
FREQUENCY = ("Weekly", "EveryOtherWeek", "OrdinalWeekday", "Monthly", "Quarterly")
TP_OPTION = ("None", "AwaitComplete", "TreatAsComplete")
CHARGE_TYPE = ("Debit", "Credit")
LINK_TYPE = ("None", "Adjustment", "Procedure", "OrthoCase")
DEBIT_TYPE = ("Unknown", "Principal", "Interest")
PROC_STATUS = ("", "TP", "C", "EC", "EO", "R", "D", "Cn", "TPi")
CLAIM_STATUS = (
    "NotReceived",
    "Received",
    "Preauth",
    "Adjustment",
    "Supplemental",
    "CapClaim",
    "Estimate",
    "CapComplete",
    "CapEstimate",
    "InsHist",
)
PAYMENT_SOURCE = (
    "None",
    "XServer",
    "XWeb",
    "PayConnect",
    "XServerPayConnect",
    "XWebPortalLogin",
    "PaySimple",
    "PaySimpleACH",
    "PayConnectPortal",
    "PayConnectPortalLogin",
    "CareCredit",
    "EdgeExpressRCM",
    "EdgeExpressCNP",
    "API",
)
PROCESS_STATUS = ("OfficeProcessed", "OnlineProcessed", "OnlinePending")
COMM_MODE = ("None", "Email", "Mail", "Phone", "In Person", "Text", "Email and Text", "Phone and Text")
SENT_OR_RECEIVED = ("Neither", "Sent", "Received")
IMAGE_TYPE = ("Document", "Radiograph", "Photo", "File", "Attachment")
POPUP_LEVEL = ("Patient", "Family", "SuperFamily")
DEFINITION_CATEGORY = {
    1: "AdjTypes",
    4: "BillingTypes",
    10: "PaymentTypes",
    18: "ImageCats",
    27: "CommLogTypes",
    29: "PaySplitUnearnedType",
    47: "PayPlanCategories",
}

TP, COMPLETE, DELETED = PROC_STATUS.index("TP"), PROC_STATUS.index("C"), PROC_STATUS.index("D")
ADJUSTMENT, PROCEDURE = LINK_TYPE.index("Adjustment"), LINK_TYPE.index("Procedure")
UNKNOWN, PRINCIPAL, INTEREST = range(3)
AWAIT_COMPLETE, TREAT_AS_COMPLETE = 1, 2
PATIENT_DELETED = PAT_STATUS.index("Deleted")
DEBIT, CREDIT = range(2)


def name(names: tuple[str, ...], number: Any) -> Any:
    """The wire's name of a number; a number out of range goes out as it stands."""
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else number
