// Sends the forms of this page that subscribe to a newsletter, without leaving the page. Needs no inline script or style, so that
// it runs under a strict policy: script-src and connect-src with the newsletter's host are enough. Where it cannot run, or the
// service does not let this page's scripts in, the form is sent as any other.
(() => {
  const action = new URL("subscribe", document.currentScript.src).href;
  for (const form of document.forms) {
    if (form.action !== action) continue;
    const answer = document.createElement("p");
    answer.setAttribute("role", "status");
    form.append(answer);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const body = new URLSearchParams(new FormData(form));
        const headers = { accept: "application/json" };
        const reply = await fetch(action, { method: "POST", body, headers, credentials: "omit" });
        const { message, error } = await reply.json();
        answer.textContent = message ?? error;
        if (message) form.reset();
      } catch {
        form.submit();
      } finally {
        button.disabled = false;
      }
    });
  }
})();
