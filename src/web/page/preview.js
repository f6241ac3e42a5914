"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const kept = $("data") ? JSON.parse($("data").textContent) : null;
  const frames = [$("phone"), $("desktop")];
  let reader = "", dark = matchMedia("(prefers-color-scheme: dark)").matches, images = true;
  let version = "0", turn = 0;

  const make = (tag, words, kind) => {
    const node = document.createElement(tag);
    if (words !== undefined) node.textContent = words;
    if (kind) node.className = kind;
    return node;
  };
  const query = (more) => new URLSearchParams({ as: reader, v: version, ...more });
  const ask = async (path, more) => {
    const answer = await fetch(path + "?" + query(more));
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };

  // The letter in its frames; each keeps the place where the reader was.
  function showLetter() {
    for (const frame of frames) {
      const place = frame.contentWindow ? frame.contentWindow.scrollY : 0;
      frame.onload = () => {
        if (place) frame.contentWindow.scrollTo(0, place);
        for (const link of frame.contentDocument.links) {
          if (!link.getAttribute("href").startsWith("#")) link.target = "_blank";
        }
        frame.dataset.version = version;
      };
      if (kept) {
        let html = dark ? kept.dark : kept.light;
        for (const [name, data] of Object.entries(kept.pictures)) html = html.replaceAll("cid:" + name, images ? data : "about:blank");
        const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src " + (images ? "http: https: data:" : "'none'");
        frame.srcdoc = html.replace(/<head[^>]*>/i, (head) => head + '<meta http-equiv="Content-Security-Policy" content="' + policy + '">');
      } else {
        const path = "/letter?" + query({ scheme: dark ? "dark" : "light", images: images ? "on" : "off" });
        // Replacing leaves no trail in the history of the window.
        frame.contentWindow.location.replace(path);
      }
    }
  }

  function showSheet(sheet) {
    $("title").textContent = sheet.title;
    document.title = sheet.title + " · preview";
    $("file").textContent = sheet.file;
    const broken = sheet.problems.length > 0;
    $("problems").hidden = !broken;
    $("problems").replaceChildren(...sheet.problems.map(problem));
    document.querySelectorAll("[role=tabpanel]").forEach((panel) => {
      panel.hidden = broken || $(panel.getAttribute("aria-labelledby")).ariaSelected !== "true";
    });
    $("inbox").hidden = document.querySelector("aside").hidden = broken;
    if (broken) return;
    for (const [name, words] of [["sender", sheet.sender], ["subject", sheet.subject], ["preheader", sheet.preheader]]) {
      document.querySelectorAll("#inbox ." + name).forEach((node) => { node.textContent = words; });
    }
    $("search").placeholder = sheet.reader;
    $("text-part").textContent = sheet.text;
    $("header-fields").textContent = sheet.headers;
    $("raw").textContent = sheet.raw;
    $("raw-more").hidden = !sheet.raw_cut;
    $("raw-link").hidden = Boolean(kept);
    $("raw-link").href = "/raw?" + query();
    showLetter();
  }

  function problem(one) {
    const node = make("article", undefined, one.severity);
    node.append(make("p", one.code + " " + one.message), make("small", one.place));
    if (one.excerpt) node.append(make("pre", one.excerpt));
    if (one.help) node.append(make("p", one.help, "quiet"));
    return node;
  }

  function showFindings(told) {
    const findings = told.findings.map((one) => {
      const item = make("li", undefined, one.severity);
      const button = make("button", one.message);
      button.type = "button";
      button.append(make("small", one.severity + " " + one.code + " · " + one.place), make("small", one.help || ""));
      button.onclick = () => jump(one);
      item.append(button);
      return item;
    });
    $("findings").replaceChildren(...(findings.length ? findings : [make("li", "Nothing to mend.", "quiet")]));
    const total = told.shares.reduce((sum, share) => sum + share.octets, 0);
    const full = 102400;
    const kilobytes = (octets) => (octets / 1000).toFixed(1) + " KB";
    $("budget-words").textContent = total ? kilobytes(total) + " of the 102 KB of HTML that Gmail shows" : "";
    $("budget").className = full < total ? "over" : "";
    $("budget").replaceChildren(...told.shares.map((share) => {
      const bar = make("span");
      bar.title = share.section + ", " + kilobytes(share.octets);
      bar.style.width = (100 * share.octets / Math.max(full, total)) + "%";
      return bar;
    }));
    $("shares").replaceChildren(...told.shares.map((share) => {
      const item = make("li");
      item.append(make("span", share.section), make("span", kilobytes(share.octets)));
      return item;
    }));
  }

  // To the words that a finding speaks of, or to the heading above them.
  function jump(one) {
    choose($("tab-letter"));
    const runs = (one.excerpt || "").split(/[*_`[\]()#>|{}<!\\]+/).map((run) => run.trim()).filter((run) => 4 < run.length);
    runs.sort((a, b) => b.length - a.length);
    for (const frame of frames) {
      const page = frame.contentDocument;
      const leaves = [...page.querySelectorAll("p, h1, h2, h3, h4, li, td, a, div")].filter((node) => !node.querySelector("p, div, td"));
      const plain = (text) => text.replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"').replace(/\s+/g, " ");
      const run = runs.find((run) => leaves.some((node) => plain(node.textContent).includes(run)));
      const place = run ? leaves.find((node) => plain(node.textContent).includes(run)) : one.anchor && (page.getElementById(one.anchor) || page.getElementsByName(one.anchor)[0]?.parentElement);
      page.querySelectorAll("[data-found]").forEach((node) => { node.style.outline = ""; delete node.dataset.found; });
      if (!place) { frame.contentWindow.scrollTo(0, 0); continue; }
      place.dataset.found = one.code;
      place.style.outline = "3px solid #d97706";
      place.scrollIntoView({ block: "center" });
    }
    $("state").textContent = one.code + " at " + one.place;
  }

  async function load() {
    const mine = ++turn;
    try {
      const sheet = await ask("/api/sheet");
      if (mine !== turn) return;
      showSheet(sheet);
      $("state").textContent = "";
      const told = await ask("/api/findings");
      if (mine === turn) showFindings(told);
    } catch (error) {
      if (mine === turn) $("state").textContent = "the preview does not answer: is `mimeo preview` still running?";
    }
  }

  function choose(tab) {
    document.querySelectorAll("[role=tab]").forEach((other) => {
      const chosen = other === tab;
      other.ariaSelected = String(chosen);
      other.tabIndex = chosen ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = !chosen || !$("problems").hidden;
    });
  }

  const toggle = (button, on) => button.setAttribute("aria-pressed", String(on));
  toggle($("dark"), dark);
  $("dark").onclick = () => { dark = !dark; toggle($("dark"), dark); showLetter(); };
  $("images").onclick = () => { images = !images; toggle($("images"), !images); showLetter(); };
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, at) => {
    tab.type = "button";
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(at + step + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    };
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "d") $("dark").click();
    if (event.key === "i") $("images").click();
    if (event.key === "/" && !kept) { event.preventDefault(); $("search").focus(); }
    if ("1" <= event.key && event.key <= "4") choose(tabs[event.key - 1]);
  });

  if (kept) {
    $("chooser").hidden = true;
    showSheet(kept.sheet);
    showFindings(kept.findings);
    return;
  }
  let typed;
  $("search").oninput = () => {
    clearTimeout(typed);
    typed = setTimeout(async () => {
      const words = $("search").value;
      const people = await ask("/api/people", { q: words }).catch(() => ({ people: [] }));
      if (words !== $("search").value) return;
      $("people").replaceChildren(...people.people.map((one) => {
        const option = make("option", one.name);
        option.value = one.address;
        return option;
      }));
    }, 60);
  };
  $("search").onchange = () => { reader = $("search").value.trim(); load(); };
  new EventSource("/events").onmessage = (event) => { version = event.data; load(); };
})();
