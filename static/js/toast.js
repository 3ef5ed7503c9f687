// Toasts: good news leaves by itself after a while unless it is being read; trouble stays until it is closed.
(() => {
  const region = document.getElementById("toasts");
  if (!region) return;

  const leave = (toast) => {
    if (!toast.matches(":hover, :focus-within")) toast.remove();
    else window.setTimeout(() => leave(toast), 4000);
  };

  const watch = (toast) => {
    if (toast.dataset.tone === "good") window.setTimeout(() => leave(toast), 8000);
  };

  const say = (text) => {
    const toast = document.getElementById("toast-shape").content.firstElementChild.cloneNode(true);
    toast.querySelector("[data-text]").textContent = text;
    region.append(toast);
  };

  region.querySelectorAll(".toast").forEach(watch);
  region.addEventListener("click", (event) => {
    if (event.target.closest("[data-closes-toast]")) event.target.closest(".toast").remove();
  });

  document.body.addEventListener("htmx:sendError", () => say(region.dataset.offline));
  document.body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 403) say(region.dataset.refused);
    else say(region.dataset.broken);
  });
})();
