"""Open Dental's own tables and columns (names and kinds of values of schema 25.4), as far as payments need them."""

from __future__ import annotations

from dataclasses import dataclass

NO_DATE = "0001-01-01"
NO_TIME = "0001-01-01 00:00:00"


@dataclass(frozen=True)
class Table:
    """Columns by kind, space separated. Texts compare without case, as MySQL's do; dates and times are ISO texts."""

    key: str
    ints: str = ""
    reals: str = ""
    texts: str = ""
    dates: str = ""
    times: str = ""
    indexes: str = ""

    def columns(self) -> dict[str, str]:
        """Column name → its declaration, without the key."""
        kinds = (
            (self.ints, "INTEGER NOT NULL DEFAULT 0"),
            (self.reals, "REAL NOT NULL DEFAULT 0"),
            (self.texts, "TEXT NOT NULL DEFAULT '' COLLATE NOCASE"),
            (self.dates, f"TEXT NOT NULL DEFAULT '{NO_DATE}'"),
            (self.times, f"TEXT NOT NULL DEFAULT '{NO_TIME}'"),
        )
        return {name: declared for names, declared in kinds for name in names.split()}


TABLES: dict[str, Table] = {
    "patient": Table(
        "PatNum",
        ints="PatStatus Gender Position Guarantor PriProv SecProv FeeSched BillingType EmployerNum ClinicNum Premed "
        "PreferConfirmMethod PreferContactMethod PreferRecallMethod SiteNum SuperFamily TxtMsgOk SecUserNumEntry",
        reals="EstBalance Bal_0_30 Bal_31_60 Bal_61_90 BalOver90 InsEst BalTotal PayPlanDue",
        texts="LName FName MiddleI Preferred SSN Address Address2 City State Zip HmPhone WkPhone WirelessPhone "
        "CreditType Email Salutation ImageFolder AddrNote FamFinUrgNote MedUrgNote ChartNumber MedicaidID Ward "
        "Language Country Title",
        dates="Birthdate DateFirstVisit AdmitDate SecDateEntry",
        times="DateTStamp DateTimeDeceased",
        indexes="Guarantor; LName,FName; DateTStamp",
    ),
    "payplan": Table(
        "PayPlanNum",
        ints="PatNum Guarantor PlanNum InsSubNum PaySchedule NumberOfPayments IsClosed SigIsTopaz PlanCategory "
        "IsDynamic ChargeFrequency IsLocked DynamicPayPlanTPOption MobileAppDeviceNum SheetDefNum",
        reals="APR CompletedAmt PayAmt DownPayment",
        texts="Note Signature SecurityHash",
        dates="PayPlanDate DatePayPlanStart DateInterestStart",
        indexes="PatNum; Guarantor",
    ),
    "payplancharge": Table(
        "PayPlanChargeNum",
        ints="PayPlanNum Guarantor PatNum ProvNum ClinicNum ChargeType ProcNum StatementNum FKey LinkType "
        "IsOffset IsDownPayment",
        reals="Principal Interest",
        texts="Note",
        dates="ChargeDate",
        times="SecDateTEntry SecDateTEdit",
        indexes="PayPlanNum; SecDateTEdit,PatNum; Guarantor",
    ),
    "payplanlink": Table(
        "PayPlanLinkNum",
        ints="PayPlanNum LinkType FKey",
        reals="AmountOverride",
        times="SecDateTEntry",
        indexes="PayPlanNum; LinkType,FKey",
    ),
    "procedurecode": Table("CodeNum", texts="ProcCode Descript AbbrDesc"),
    "procedurelog": Table(
        "ProcNum",
        ints="PatNum AptNum Priority ProcStatus ProvNum Dx PlannedAptNum PlaceService ClinicNum CodeNum UnitQty "
        "BaseUnits SiteNum HideGraphics Prognosis IsLocked IsDateProsthEst",
        reals="ProcFee Discount DiscountPlanAmt",
        texts="Surf ToothNum ToothRange Prosthesis ClaimNote CanadianTypeCodes BillingNote ProcTime ProcTimeEnd",
        dates="ProcDate DateOriginalProsth DateEntryC DateTP",
        times="DateTStamp SecDateEntry",
        indexes="PatNum; DateTStamp,PatNum",
    ),
    "adjustment": Table(
        "AdjNum",
        ints="AdjType PatNum ProvNum ProcNum ClinicNum StatementNum SecUserNumEntry TaxTransID",
        reals="AdjAmt",
        texts="AdjNote",
        dates="AdjDate ProcDate DateEntry",
        times="SecDateTEdit",
        indexes="PatNum; ProcNum; SecDateTEdit,PatNum",
    ),
    "claimproc": Table(
        "ClaimProcNum",
        ints="ProcNum ClaimNum PatNum ProvNum Status ClaimPaymentNum PlanNum ClinicNum InsSubNum PayPlanNum",
        reals="FeeBilled InsPayEst DedApplied InsPayAmt WriteOff WriteOffEst",
        texts="Remarks CodeSent",
        dates="DateCP ProcDate DateEntry",
        times="SecDateTEdit",
        indexes="PatNum; ProcNum; SecDateTEdit,PatNum",
    ),
    "payment": Table(
        "PayNum",
        ints="PayType IsSplit PatNum ClinicNum DepositNum IsRecurringCC SecUserNumEntry PaymentSource ProcessStatus "
        "PaymentStatus IsCcCompleted",
        reals="PayAmt MerchantFee",
        texts="CheckNum BankBranch PayNote Receipt ExternalId SecurityHash",
        dates="PayDate DateEntry RecurringChargeDate",
        times="SecDateTEdit",
        indexes="PatNum; CheckNum; DateEntry",
    ),
    "paysplit": Table(
        "SplitNum",
        ints="PatNum PayNum ProvNum PayPlanNum ProcNum UnearnedType ClinicNum SecUserNumEntry FSplitNum AdjNum "
        "PayPlanChargeNum PayPlanDebitType IsDiscount DiscountType",
        reals="SplitAmt",
        texts="SecurityHash",
        dates="DatePay DateEntry ProcDate",
        times="SecDateTEdit",
        indexes="PatNum; PayNum; PayPlanNum; PayPlanChargeNum; ProcNum; SecDateTEdit,PatNum",
    ),
    "definition": Table(
        "DefNum", ints="Category ItemOrder ItemColor IsHidden", texts="ItemName ItemValue", indexes="Category"
    ),
    "preference": Table("PrefNum", texts="PrefName ValueString Comments", indexes="PrefName"),
    "clinic": Table(
        "ClinicNum",
        ints="IsHidden ItemOrder",
        texts="Description Address Address2 City State Zip BillingAddress BillingAddress2 BillingCity BillingState "
        "BillingZip PayToAddress PayToAddress2 PayToCity PayToState PayToZip Phone Abbr",
    ),
    "provider": Table(
        "ProvNum",
        ints="ItemOrder FeeSched Specialty IsSecondary IsHidden UsingTIN SigOnFile IsNotPerson ProvStatus "
        "IsHiddenReport",
        texts="Abbr LName FName MI Suffix SSN StateLicense ProvColor NationalProvID SchedNote PreferredName",
        dates="Birthdate",
        times="DateTStamp",
    ),
    "commlog": Table(
        "CommlogNum",
        ints="PatNum CommType Mode_ SentOrReceived UserNum SigIsTopaz CommSource ProgramNum ReferralNum",
        texts="Note Signature",
        times="CommDateTime DateTStamp DateTimeEnd DateTEntry",
        indexes="PatNum; DateTStamp",
    ),
    "creditcard": Table(
        "CreditCardNum",
        ints="PatNum PayPlanNum CCSource ClinicNum CanChargeWhenNoBal PaymentType IsRecurringActive ItemOrder",
        reals="ChargeAmt",
        texts="CCNumberMasked Note ChargeFrequency XChargeToken PayConnectToken PaySimpleToken",
        dates="CCExpiration DateStart DateStop",
        indexes="PatNum; PayPlanNum",
    ),
    "recurringcharge": Table(
        "RecurringChargeNum",
        ints="PatNum ClinicNum ChargeStatus UserNum PayNum CreditCardNum",
        reals="FamBal PayPlanDue TotalDue RepeatAmt ChargeAmt",
        texts="ErrorMsg",
        times="DateTimeCharge",
    ),
    "document": Table(
        "DocNum",
        ints="DocCategory PatNum ImgType ProvNum PrintHeading",
        texts="Description FileName ToothNumbers RawBase64",
        times="DateCreated DateTStamp",
        indexes="PatNum",
    ),
    "popup": Table(
        "PopupNum",
        ints="PatNum IsDisabled PopupLevel UserNum",
        texts="Description",
        times="DateTimeEntry DateTimeDisabled",
        indexes="PatNum",
    ),
    "patientlink": Table(
        "PatientLinkNum", ints="PatNumFrom PatNumTo LinkType", times="DateTimeLink", indexes="PatNumFrom"
    ),
    "securitylog": Table(
        "SecurityLogNum",
        ints="PermType UserNum PatNum FKey LogSource DefNum",
        texts="LogText CompName",
        times="LogDateTime DateTPrevious",
        indexes="PermType",
    ),
    "signalod": Table(
        "SignalNum",
        ints="FKey IType RemoteRole",
        texts="FKeyType MsgValue",
        dates="DateViewing",
        times="SigDateTime",
    ),
}


def ddl() -> str:
    """CREATE … IF NOT EXISTS for every table and index, as one transaction."""
    statements = ["BEGIN;"]
    for name, table in TABLES.items():
        columns = ", ".join(f'"{column}" {declared}' for column, declared in table.columns().items())
        statements.append(
            f'CREATE TABLE IF NOT EXISTS {name} ("{table.key}" INTEGER PRIMARY KEY AUTOINCREMENT, {columns});'
        )
        for index in filter(None, (part.strip() for part in table.indexes.split(";"))):
            label = f"{name}_{index.replace(',', '_')}"
            statements.append(f"CREATE INDEX IF NOT EXISTS {label} ON {name} ({index});")
    return "\n".join([*statements, "COMMIT;"])
