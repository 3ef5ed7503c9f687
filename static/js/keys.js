// Keyboard: "/" searches, "g" then a letter goes to a screen, "?" shows help. Ignored while somebody is typing.
(() => {
  const help = document.getElementById("keys-help");
  let waiting = 0;

  const isTyping = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

  const go = (letter) => document.querySelector(`[data-go="${CSS.escape(letter)}"]`)?.click();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (Date.now() - waiting < 1500) {
      waiting = 0;
      go(event.key);
    } else if (event.key === "g") {
      waiting = Date.now();
    } else if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search-box")?.focus();
    } else if (event.key === "?" && help && !help.open) {
      help.showModal();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-shows-keys]")) help?.showModal();
    if (event.target === help || event.target.closest("[data-closes-keys]")) help?.close();
  });
})();
