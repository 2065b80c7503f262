// Renews the part of a page that says where to get it, every two seconds, while nobody is at its buttons.
"use strict";
for (const part of document.querySelectorAll("[data-refresh]")) {
  let last = part.innerHTML;
  setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const answer = await fetch(part.dataset.refresh, { credentials: "same-origin" });
      if (!answer.ok) return;
      const text = await answer.text();
      if (text !== last) {
        part.innerHTML = text;
        last = text;
      }
    } catch {
      // The next one may get through.
    }
  }, 2000);
}
