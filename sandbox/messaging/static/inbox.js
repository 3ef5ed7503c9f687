// Reloads the page when the number of messages or a status changes, unless somebody is typing a reply.
const source = document.body.dataset.refresh;
let seen = null;

async function look() {
  const answer = await fetch(source);
  const text = await answer.text();
  const typing = document.querySelector("#body")?.value;
  if (seen !== null && text !== seen && !typing) location.reload();
  seen = text;
}

if (source) setInterval(() => look().catch(() => {}), 2000);
