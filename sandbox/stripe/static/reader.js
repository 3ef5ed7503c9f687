// Looks at the reader once a second and renews what it shows; what a person is choosing on the page stays.
const parts = document.querySelectorAll("[data-live]");

async function look() {
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const now = fresh.getElementById(part.id).innerHTML;
    if (part.dataset.live !== now) part.innerHTML = now;
    part.dataset.live = now;
  }
}

for (const part of parts) part.dataset.live = part.innerHTML;
setInterval(() => look().catch(() => {}), 1000);
