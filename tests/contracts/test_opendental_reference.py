"""Preferences, permissions, definitions, clinics and providers as the Open Dental sandbox prints them."""

from __future__ import annotations

from tests.contracts.opendental_office import new_office, same_shape


def test_preferences_filter_by_name() -> None:
    office = new_office(preferences={"RigorousAccounting": "2"})

    (row,) = office.get("/preferences", PrefName="ProgramVersion")
    same_shape({"PrefNum": 14, "PrefName": "PracticeDefaultBillType", "ValueString": "40"}, row)
    assert row["ValueString"] == "25.4.48.0"
    assert office.get("/preferences", PrefName="RigorousAccounting")[0]["ValueString"] == "2"
    assert office.get("/preferences", PrefName="DynamicPayPlanRunTime")[0]["ValueString"][-8:] == "09:00:00"
    assert office.get("/preferences", PrefName="NoSuchPreference") == []
    assert {row["PrefName"] for row in office.get("/preferences")} >= {
        "ApiPaymentType",
        "DataBaseVersion",
        "DynamicPayPlanLastDateTime",
        "DynamicPayPlanPrepaymentUnearnedType",
        "FutureTransDatesAllowed",
        "PayPlanRequireLockForAPR",
        "PayPlansVersion",
        "PrepaymentUnearnedType",
        "RecurringChargesAllowedWhenNoPatBal",
        "RecurringChargesAutomatedEnabled",
    }


def test_permissions_are_texts() -> None:
    office = new_office(permissions=["ApiReadAll", "ApiQueries"])

    rows = office.get("/securityperms")

    assert rows[0] == {"Permission": "ApiReadAll", "HasPermission": "true"}
    assert {row["Permission"] for row in rows if row["HasPermission"] == "true"} == {"ApiReadAll", "ApiQueries"}
    assert {row["HasPermission"] for row in rows} == {"true", "false"}


def test_definitions_filter_by_number_only() -> None:
    office = new_office()
    example = {"DefNum": 293, "ItemName": "Sales Tax", "ItemValue": "+", "Category": 1, "category": "AdjTypes"}

    taxes = [row for row in office.get("/definitions", Category=1) if row["DefNum"] == 293]

    assert taxes == [{**example, "isHidden": "false"}]
    assert [row["ItemName"] for row in office.get("/definitions", Category=10)] == [
        "Check",
        "Cash",
        "Credit Card",
        "API Payment",
    ]
    everything = office.get("/definitions")
    assert office.get("/definitions", category="PaymentTypes") == everything
    assert {row["Category"] for row in everything} == {1, 4, 10, 18, 27, 29, 47}


def test_a_payment_type_can_be_made_and_hidden_ones_are_left_out() -> None:
    office = new_office()

    made = office.post("/definitions", {"ItemName": "KasperPay", "category": "PaymentTypes"})
    office.post("/definitions", {"ItemName": "Old", "category": "PaymentTypes", "isHidden": "true"})

    assert (made["Category"], made["category"], made["isHidden"]) == (10, "PaymentTypes", "false")
    assert [row["ItemName"] for row in office.get("/definitions", Category=10)][-1] == "KasperPay"
    assert [row["ItemName"] for row in office.get("/definitions", Category=10, includeHidden="true")][-1] == "Old"
    assert office.refused(400, "POST", "/definitions", {"ItemName": "x"}) == "category is required."
    assert (
        office.refused(400, "POST", "/definitions", {"ItemName": "x", "category": "Sweets"}) == "category is invalid."
    )


def test_no_clinics_means_the_feature_is_off() -> None:
    office = new_office()
    names = (
        "ClinicNum Description Address Address2 City State Zip BillingAddress BillingAddress2 BillingCity BillingState "
        "BillingZip PayToAddress PayToAddress2 PayToCity PayToState PayToZip Phone Abbr IsHidden"
    )
    assert office.get("/clinics") == []

    office.desk("clinics", Abbr="South", Description="Southside")

    (clinic,) = office.get("/clinics")
    assert list(clinic) == names.split()
    assert (clinic["ClinicNum"], clinic["Abbr"], clinic["IsHidden"]) == (1, "South", "false")


def test_providers_look_as_documented() -> None:
    office = new_office()
    example = {
        "ProvNum": 4,
        "Abbr": "HYG2",
        "LName": "Bently",
        "FName": "Bruce",
        "MI": "",
        "Suffix": "",
        "FeeSched": 53,
        "Specialty": 265,
        "SSN": "",
        "StateLicense": "",
        "IsSecondary": "true",
        "IsHidden": "false",
        "UsingTIN": "false",
        "SigOnFile": "false",
        "IsNotPerson": "false",
        "IsHiddenReport": "false",
        "provColor": "164,164,255",
        "NationalProvID": "",
        "DateTStamp": "2016-03-03 13:10:47",
        "ProvStatus": "Active",
        "Birthdate": "0001-01-01",
        "SchedNote": "",
        "PreferredName": "",
        "serverDateTime": "2021-01-16 12:55:39",
    }

    rows = office.get("/providers")

    same_shape([example], rows)
    assert [row["Abbr"] for row in rows] == ["DOC1", "DOC2", "HYG1"]
    assert office.get("/providers/2")["LName"] == "Birch"
    assert office.refused(404, "GET", "/providers/99") == "Provider not found."
    assert office.get("/providers", DateTStamp="2030-01-01 00:00:00") == []
