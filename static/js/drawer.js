// The right drawer: a link that loads into #drawer-body opens it; Esc, the close button and the backdrop close it again.
(() => {
  const drawer = document.getElementById("drawer");
  const body = document.getElementById("drawer-body");
  if (!drawer) return;
  let before = null;

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === body && !drawer.open) before = window.location.href;
  });

  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== body) return;
    if (!drawer.open) drawer.showModal();
    const title = body.querySelector("h1");
    if (title) drawer.setAttribute("aria-label", title.textContent.trim());
    body.scrollTop = 0;
  });

  drawer.addEventListener("click", (event) => {
    if (event.target === drawer || event.target.closest("[data-closes-drawer]")) {
      event.preventDefault();
      drawer.close();
    }
  });

  drawer.addEventListener("close", () => {
    body.replaceChildren();
    if (before && before !== window.location.href) window.history.replaceState(null, "", before);
    // Money may have moved while the drawer was open; the page behind must not show the old state.
    if (drawer.dataset.stale) window.location.reload();
  });

  document.body.addEventListener("htmx:afterRequest", (event) => {
    const verb = event.detail.requestConfig?.verb;
    // A refused form changed nothing.
    const isDone = event.detail.xhr?.status < 400;
    if (drawer.contains(event.detail.elt) && verb === "post" && isDone) drawer.dataset.stale = "1";
  });
})();
