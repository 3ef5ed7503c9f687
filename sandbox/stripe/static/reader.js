// Shows what the reader shows now, once a second; the buttons below it are left alone.
const shown = document.querySelector("#screen");
let before = null;

async function look() {
  const answer = await fetch(shown.dataset.source);
  const text = await answer.text();
  if (answer.ok && before !== null && text !== before) shown.innerHTML = text;
  before = answer.ok ? text : before;
}

if (shown) setInterval(() => look().catch(() => {}), 1000);
