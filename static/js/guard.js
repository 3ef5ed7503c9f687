// A form is sent once: its button is disabled and says what is happening ("Charging…"). The server guards as well.
(() => {
  const busy = new WeakSet();

  const hold = (form, button) => {
    busy.add(form);
    if (!button) return;
    button.dataset.idle = button.textContent;
    // Disabled after the browser collected the form's data, so that the button's own name and value are sent.
    window.setTimeout(() => {
      button.disabled = true;
      if (button.dataset.busy) button.textContent = button.dataset.busy;
    }, 0);
  };

  const release = (form) => {
    busy.delete(form);
    form.querySelectorAll("[data-idle]").forEach((button) => {
      button.disabled = false;
      button.textContent = button.dataset.idle;
    });
  };

  document.addEventListener(
    "submit",
    (event) => {
      if (event.target.method !== "post") return;
      if (busy.has(event.target)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else {
        hold(event.target, event.submitter);
      }
    },
    true,
  );

  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt instanceof HTMLFormElement && !event.detail.successful) release(event.detail.elt);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach(release));
})();
