// Insert-variable buttons: put the variable where the cursor stands in the text last used, and refresh the preview.
(() => {
  let field = document.querySelector("[data-takes-variables]");

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-takes-variables]")) field = event.target;
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (!button || !field) return;
    field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
})();
