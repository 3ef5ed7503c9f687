// Search as you type: arrows move through the results, Enter opens the marked one, Shift+Enter takes a payment, Esc closes the list.
(() => {
  const box = document.getElementById("search-box");
  const list = document.getElementById("search-results");
  if (!box || !list) return;

  const options = () => [...list.querySelectorAll('[role="option"]:not([aria-disabled])')];
  const marked = () => list.querySelector('[aria-selected="true"]');

  const mark = (option) => {
    marked()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  };

  const clear = () => {
    list.replaceChildren();
    box.setAttribute("aria-expanded", "false");
    mark(null);
  };

  box.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(marked());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const to = event.key === "ArrowDown" ? at + 1 : at < 0 ? all.length - 1 : at - 1;
      mark(all[(to + all.length) % all.length]);
    } else if (event.key === "Enter" && marked()) {
      event.preventDefault();
      const { href, pay } = marked().dataset;
      window.location.assign(event.shiftKey && pay ? pay : href);
    } else if (event.key === "Escape") {
      if (options().length) clear();
      else box.blur();
    }
  });

  list.addEventListener("htmx:afterSwap", () => {
    box.setAttribute("aria-expanded", options().length ? "true" : "false");
    mark(options()[0]);
  });
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[data-href]");
    if (option) window.location.assign(option.dataset.href);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) clear();
  });
})();
