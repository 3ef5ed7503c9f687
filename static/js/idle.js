// Sign-out after 15 idle minutes is announced two minutes before, and one press keeps the session (WCAG 2.2.1).
// The server's own expiry decides; this only shows it. All tabs share the moment of the last answer, nothing else.
(() => {
  const warning = document.getElementById("idle-warning");
  if (!warning) return;
  const limit = Number(warning.dataset.seconds) * 1000;
  const KEY = "last-answer-at";

  const seen = () => window.localStorage.setItem(KEY, String(Date.now()));
  const left = () => limit - (Date.now() - Number(window.localStorage.getItem(KEY)));

  seen();
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) seen();
  });

  window.setInterval(() => {
    if (left() < -3000) window.location.reload();
    else if (left() > 120000 && warning.open) warning.close();
    else if (left() <= 120000 && !warning.open) warning.showModal();
  }, 5000);

  warning.addEventListener("close", () => {
    if (left() <= 120000) fetch(warning.dataset.stay, { credentials: "same-origin" }).then(seen);
  });
})();
