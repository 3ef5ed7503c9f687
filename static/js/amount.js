// A button names the amount that is typed beside it: "Refund $40.00". What is not an amount is not named.
(() => {
  const AMOUNT = /^\s*\$?\s*(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d{0,2}))?\s*$/;

  const worded = (text) => {
    const found = AMOUNT.exec(text);
    if (!found || !(found[1] || found[2])) return "";
    const dollars = (found[1] || "0").replaceAll(",", "").replace(/^0+(?=\d)/, "");
    return ` $${dollars.replace(/\B(?=(\d{3})+$)/g, ",")}.${(found[2] || "").padEnd(2, "0")}`;
  };

  const name = (button) => {
    const field = document.getElementById(button.dataset.namesAmount);
    if (field && !button.disabled) button.textContent = button.dataset.verb + worded(field.value);
  };

  const nameAll = () => document.querySelectorAll("[data-names-amount]").forEach(name);

  document.addEventListener("input", nameAll);
  document.body.addEventListener("htmx:afterSwap", nameAll);
  window.addEventListener("pageshow", nameAll);
  nameAll();
})();
