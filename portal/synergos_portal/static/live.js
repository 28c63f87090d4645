// Live parts of pages: htmx asks every second, and this leaves out what need not be asked.
// An answer's header Live-Pace says how many seconds it is good for; nothing is asked while nobody looks.
(() => {
  "use strict";
  const parts = new WeakMap();
  const stateOf = (part) => {
    if (!parts.has(part)) parts.set(part, { pace: Number(part.dataset.pace) || 15, asked: Date.now(), tag: null });
    return parts.get(part);
  };
  const isPart = (ctx) => ctx.sourceElement?.classList?.contains("live-part");
  let heard = new Date();

  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (!isPart(ctx)) return;
    const state = stateOf(ctx.sourceElement);
    // The header comes along with a part of the page's own.
    const isSpare = ctx.sourceElement.matches("[hx-swap=none]") && document.querySelectorAll(".live-part").length > 1;
    // A second's clock that is a little early counts.
    if (document.hidden || isSpare || Date.now() - state.asked < state.pace * 1000 - 250) {
      event.preventDefault();
      return;
    }
    state.asked = Date.now();
    // So that a browser hands a 304 on, and nothing is put in the place of the same.
    ctx.request.cache = "no-store";
    if (state.tag) ctx.request.headers["If-None-Match"] = state.tag;
  });

  const lost = () => {
    const notice = document.getElementById("lost");
    if (!notice || Date.now() - heard < 5000) return;
    const time = notice.querySelector("time");
    time.dateTime = heard.toISOString();
    time.textContent = heard.toLocaleTimeString(document.documentElement.lang);
    notice.hidden = false;
  };

  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (!isPart(ctx) || !ctx.response) return;
    const state = stateOf(ctx.sourceElement);
    const { status, headers } = ctx.response;
    // Signed out elsewhere: the page itself says where to sign in.
    if (status === 401) return void window.location.reload();
    if (status >= 400) {
      // What a page shows stays until there is something better.
      event.preventDefault();
      state.pace = 1;
      return void lost();
    }
    heard = new Date();
    // A page that could not be made while the orchestrator was away can be made now.
    if (headers.get("Live-Heard") && document.querySelector("[data-comes-back]")) return void window.location.reload();
    const notice = document.getElementById("lost");
    if (notice) notice.hidden = true;
    state.tag = headers.get("ETag") ?? state.tag;
    state.pace = Number(headers.get("Live-Pace")) || state.pace;
  });

  document.addEventListener("htmx:error", (event) => {
    const { ctx } = event.detail;
    if (!ctx || !isPart(ctx)) return;
    stateOf(ctx.sourceElement).pace = 1;
    lost();
  });

  // What has changed is told to those who do not see it, once and not letter by letter.
  const announcer = document.getElementById("announcer");
  document.addEventListener("htmx:after:swap", () => {
    const said = [...document.querySelectorAll("[data-announce]")].map((each) => each.dataset.announce).join(". ");
    if (announcer && said && announcer.textContent !== said) announcer.textContent = said;
  });

  // Whoever comes back sees at once what is so now.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    heard = new Date();
    for (const part of document.querySelectorAll(".live-part")) stateOf(part).asked = 0;
  });
})();
