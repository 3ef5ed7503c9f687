// Menus: a button with aria-haspopup="menu" opens the role="menu" beside it. Arrows, Home, End, Esc, Tab work as expected.
(() => {
  let open = null;

  const items = (menu) => [...menu.querySelectorAll('[role="menuitem"]')];

  const place = (button, menu) => {
    const edge = button.getBoundingClientRect();
    const left = Math.max(8, Math.min(edge.right - menu.offsetWidth, window.innerWidth - menu.offsetWidth - 8));
    const below = edge.bottom + 4;
    const fits = below + menu.offsetHeight < window.innerHeight;
    menu.style.left = `${left}px`;
    menu.style.top = `${fits ? below : Math.max(8, edge.top - menu.offsetHeight - 4)}px`;
  };

  const close = (refocus) => {
    if (!open) return;
    open.menu.hidden = true;
    open.button.setAttribute("aria-expanded", "false");
    if (refocus) open.button.focus();
    open = null;
  };

  const show = (button, last) => {
    close(false);
    const menu = document.getElementById(button.getAttribute("aria-controls"));
    menu.hidden = false;
    place(button, menu);
    button.setAttribute("aria-expanded", "true");
    open = { button, menu };
    const list = items(menu);
    list[last ? list.length - 1 : 0]?.focus();
  };

  const step = (key) => {
    const list = items(open.menu);
    const at = list.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[key];
    list[(to + list.length) % list.length]?.focus();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest('[aria-haspopup="menu"]');
    if (button) {
      if (open?.button === button) close(true);
      else show(button, false);
    } else if (open) {
      close(false);
    }
  });

  document.addEventListener("keydown", (event) => {
    const button = event.target.closest?.('[aria-haspopup="menu"]');
    if (!open && button && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      show(button, event.key === "ArrowUp");
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      close(true);
    } else if (open && event.key === "Tab") {
      close(false);
    } else if (open && ["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      step(event.key);
    }
  });

  window.addEventListener("scroll", () => close(false), true);
  window.addEventListener("resize", () => close(false));
})();
