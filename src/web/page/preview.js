"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const kept = $("data") ? JSON.parse($("data").textContent) : null;
  const frames = [$("phone"), $("desktop")];
  let reader = "", dark = matchMedia("(prefers-color-scheme: dark)").matches, images = true;
  let version = "0", turn = 0, broken = false;

  const make = (tag, words, kind) => {
    const node = document.createElement(tag);
    if (words !== undefined) node.textContent = words;
    if (kind) node.className = kind;
    return node;
  };
  // Words with `code` in them.
  const rich = (tag, words, kind) => {
    const node = make(tag, undefined, kind);
    node.append(...words.split("`").map((part, at, parts) => at % 2 && at + 1 < parts.length ? make("code", part) : at % 2 ? "`" + part : part));
    return node;
  };
  const query = (more) => new URLSearchParams({ as: reader, v: version, ...more });
  const fetched = async (path, more) => {
    const answer = await fetch(path + "?" + query(more));
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  };
  const ask = async (path, more) => (await fetched(path, more)).json();

  // Each frame is as wide as what it stands for; where there is less room, all of it is drawn smaller.
  function fit(frame) {
    const box = frame.parentElement;
    if (!box.clientWidth) return;
    const width = frame === frames[0] ? 375 : Math.max(680, box.clientWidth);
    const share = Math.min(1, box.clientWidth / width);
    frame.style.width = width + "px";
    frame.style.height = box.clientHeight / share + "px";
    frame.style.transform = share < 1 ? "scale(" + share + ")" : "";
    frame.closest("figure").querySelector("figcaption span").textContent =
      width + " px" + (share < 1 ? ", at " + Math.round(100 * share) + " %" : "");
  }
  const watched = new ResizeObserver(() => frames.forEach(fit));
  frames.forEach((frame) => watched.observe(frame.parentElement));

  // The letter in its frames; each keeps the place where the reader was.
  const letterQuery = () => ({ scheme: dark ? "dark" : "light", images: images ? "on" : "off" });
  function shown(frame, place) {
    const page = frame.contentDocument;
    for (const link of page.links) {
      if (!link.getAttribute("href").startsWith("#")) link.target = "_blank";
    }
    if (place) frame.contentWindow.scrollTo(0, place);
    frame.dataset.place = place;
    frame.dataset.version = version;
  }
  // A frame that is out of sight has forgotten its place.
  const placeOf = (frame) => (frame.offsetParent ? frame.contentWindow.scrollY : Number(frame.dataset.place || 0));
  const keepPlaces = () => frames.forEach((frame) => { frame.dataset.place = placeOf(frame); });
  const findPlaces = () => frames.forEach((frame) => {
    fit(frame);
    if (frame.offsetParent) frame.contentWindow.scrollTo(0, Number(frame.dataset.place || 0));
  });
  function showLetter(html) {
    // Asked for before anything changes, as each question has the browser lay out what has changed until then.
    const places = frames.map(placeOf);
    for (const [at, frame] of frames.entries()) {
      const place = places[at], policy = images ? "on" : "off";
      // The same page with other words in it: nothing flickers, and pictures that stay are not asked for again. Scripts
      // stay as dead as in a page that is loaded, for the frame is the same sandbox under the same policy.
      if (html && frame.dataset.policy === policy) {
        const page = frame.contentDocument, fresh = new DOMParser().parseFromString(html, "text/html");
        page.replaceChild(page.adoptNode(fresh.documentElement), page.documentElement);
        shown(frame, place);
        continue;
      }
      frame.onload = () => {
        frame.dataset.policy = policy;
        frame.contentDocument.addEventListener("keydown", keys);
        shown(frame, place);
      };
      if (kept) {
        let page = dark ? kept.dark : kept.light;
        for (const [name, data] of Object.entries(kept.pictures)) page = page.replaceAll("cid:" + name, images ? data : "about:blank");
        const rule = "default-src 'none'; style-src 'unsafe-inline'; img-src " + (images ? "http: https: data:" : "'none'");
        frame.srcdoc = page.replace(/<head[^>]*>/i, (head) => head + '<meta http-equiv="Content-Security-Policy" content="' + rule + '">');
      } else {
        frame.dataset.policy = "";
        // Replacing leaves no trail in the history of the window.
        frame.contentWindow.location.replace("/letter?" + query(letterQuery()));
      }
    }
  }

  function showView(view, html) {
    $("title").textContent = view.title;
    document.title = (view.problems.length ? "✗ " : "") + view.title + " · preview";
    $("file").textContent = view.file;
    keepPlaces();
    broken = view.problems.length > 0;
    $("problems").hidden = !broken;
    $("problems").replaceChildren(...(broken ? [make("h2", "There is no letter yet"), ...view.problems.map(problem)] : []));
    document.querySelectorAll("[role=tabpanel]").forEach((panel) => {
      panel.hidden = broken || $(panel.getAttribute("aria-labelledby")).ariaSelected !== "true";
    });
    $("inbox").hidden = $("views").hidden = document.querySelector("aside").hidden = broken;
    if (broken) return;
    findPlaces();
    for (const [name, words] of [["sender", view.sender], ["subject", view.subject], ["preheader", view.preheader]]) {
      document.querySelectorAll("#inbox ." + name).forEach((node) => { node.textContent = words; });
    }
    $("search").placeholder = view.reader;
    showLetter(html);
    $("text-part").textContent = view.text;
    $("header-fields").textContent = view.headers;
    $("raw").textContent = view.raw;
    $("raw-more").hidden = !view.raw_cut;
    $("raw-link").hidden = Boolean(kept);
    $("raw-link").href = "/raw?" + query();
  }

  // The line of a file, with what is meant in it marked.
  function excerpt(one) {
    const line = make("code", undefined, "excerpt");
    const [before, marked, after] = one.marked;
    // A mark between two letters is shown on the second.
    const shown = marked || [...after][0] || " ";
    line.append(make("span", one.line + " ", "number"), before, make("mark", shown), marked ? after : after.slice(shown.length));
    return line;
  }

  function problem(one) {
    const node = make("article", undefined, one.severity);
    node.append(rich("p", one.message), make("small", [one.severity, one.code, one.place].filter(Boolean).join(" · ")));
    if (one.marked) node.append(excerpt(one));
    if (one.help) node.append(rich("p", one.help, "quiet"));
    return node;
  }

  const colours = ["#7d766b", "#3f6fa3", "#c07a3e", "#4f8a68", "#8a639f", "#b59a2c", "#b3525f", "#3d95a0", "#7b8138"];

  function showFindings(report) {
    const findings = report.findings.map((one) => {
      const item = make("li", undefined, one.severity);
      const button = rich("button", one.message);
      button.type = "button";
      const here = one.line && one.place.startsWith($("file").textContent + ":");
      button.append(make("small", one.severity + " " + one.code + " · " + (here ? "line " + one.line : one.place)));
      if (one.marked) button.append(excerpt(one));
      if (one.help) button.append(rich("small", one.help));
      button.onclick = () => {
        document.querySelectorAll("#findings [aria-current]").forEach((other) => other.removeAttribute("aria-current"));
        button.setAttribute("aria-current", "true");
        jump(one);
      };
      item.append(button);
      return item;
    });
    $("findings").replaceChildren(...(findings.length ? findings : [make("li", "Nothing to mend.", "quiet")]));
    $("findings").dataset.version = version;
    $("findings-count").textContent = findings.length || "";
    const total = report.shares.reduce((sum, share) => sum + share.octets, 0);
    const full = 102400, scale = Math.max(full, total);
    const kilobytes = (octets) => (octets / 1000).toFixed(1) + " KB";
    $("budget-words").textContent = !total ? "" : total <= full
      ? kilobytes(total) + " of the 102 KB of HTML that Gmail shows"
      : kilobytes(total) + ": Gmail cuts the letter off after 102 KB of HTML";
    $("budget").className = full < total ? "over" : "";
    const colour = (at) => at ? colours[1 + (at - 1) % (colours.length - 1)] : colours[0];
    $("budget").replaceChildren(...report.shares.map((share, at) => {
      const bar = make("span");
      bar.title = share.section + ", " + kilobytes(share.octets);
      bar.style.width = (100 * share.octets / scale) + "%";
      bar.style.backgroundColor = colour(at);
      return bar;
    }));
    if (full < total) {
      const cut = make("i");
      cut.style.left = (100 * full / scale) + "%";
      $("budget").append(cut);
    }
    $("shares").replaceChildren(...report.shares.map((share, at) => {
      const item = make("li"), row = make(share.anchor ? "button" : "div");
      const swatch = make("i");
      swatch.style.backgroundColor = colour(at);
      row.append(swatch, make("span", share.section), make("span", kilobytes(share.octets), "octets"));
      if (share.anchor) {
        row.type = "button";
        row.onclick = () => jump({ anchor: share.anchor, code: share.section, place: "line " + share.line });
      }
      item.append(row);
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
      // What is rich of the settings or the list stands nowhere in the letter.
      if (!place) continue;
      place.dataset.found = one.code;
      place.style.outline = "3px solid #d97706";
      place.scrollIntoView({ block: "center" });
    }
    $("state").textContent = one.code + " at " + one.place;
  }

  async function load() {
    const mine = ++turn;
    try {
      const [view, html] = await Promise.all([ask("/api/letter"), fetched("/letter", letterQuery()).then((answer) => answer.text())]);
      if (mine !== turn) return;
      showView(view, html);
      $("state").textContent = "";
      if (broken) return;
      const report = await ask("/api/findings");
      if (mine === turn) showFindings(report);
    } catch (error) {
      if (mine === turn) gone();
    }
  }
  const gone = () => { $("state").textContent = "the preview does not answer: is `mimeo preview` still running?"; };

  function choose(tab) {
    keepPlaces();
    document.querySelectorAll("[role=tab]").forEach((other) => {
      const chosen = other === tab;
      other.ariaSelected = String(chosen);
      other.tabIndex = chosen ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = !chosen || broken;
    });
    findPlaces();
  }

  async function redraw() {
    if (kept) return showLetter();
    const mine = turn;
    const html = await fetched("/letter", letterQuery()).then((answer) => answer.text()).catch(gone);
    if (html && mine === turn && !broken) showLetter(html);
  }
  const toggle = (button, on) => button.setAttribute("aria-pressed", String(on));
  toggle($("dark"), dark);
  $("dark").onclick = () => { dark = !dark; toggle($("dark"), dark); redraw(); };
  $("images").onclick = () => { images = !images; toggle($("images"), !images); redraw(); };
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, at) => {
    tab.type = "button";
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      const chosen = tabs[(next + tabs.length) % tabs.length];
      choose(chosen);
      chosen.focus();
    };
  });
  function keys(event) {
    if (event.target.matches?.("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "d") $("dark").click();
    if (event.key === "i") $("images").click();
    if (event.key === "/" && !kept) { event.preventDefault(); $("search").focus(); }
    if ("1" <= event.key && event.key <= "4") choose(tabs[event.key - 1]);
  }
  document.addEventListener("keydown", keys);

  if (kept) {
    $("chooser").hidden = true;
    showView(kept.letter);
    showFindings(kept.findings);
    return;
  }

  // The reader: words in the field offer people, and an address is taken as it is.
  let asked = 0;
  const options = () => [...document.querySelectorAll("#people [role=option]")];
  const pointed = () => options().find((option) => option.ariaSelected === "true");
  function point(option) {
    for (const other of options()) other.ariaSelected = String(other === option);
    if (option) option.scrollIntoView({ block: "nearest" });
    $("search").setAttribute("aria-activedescendant", option ? option.id : "");
  }
  function close() {
    asked++;
    $("people").hidden = true;
    $("search").ariaExpanded = "false";
    point(null);
  }
  function take(address) {
    close();
    if (address !== reader) {
      reader = address;
      load();
    }
    $("search").value = address;
  }
  async function offer() {
    const mine = ++asked;
    const { people } = await ask("/api/people", { q: $("search").value === reader ? "" : $("search").value.trim() }).catch(() => ({ people: [] }));
    if (mine !== asked) return;
    // An answer that comes late takes nobody out of the hand.
    const held = pointed()?.dataset.address;
    $("people").replaceChildren(...people.map((one, at) => {
      const option = make("li");
      option.id = "person-" + at;
      option.role = "option";
      option.dataset.address = one.address;
      option.append(make("span", one.name || one.address), make("small", one.name ? one.address : ""));
      // Before the field loses the focus, which would close the list.
      option.onmousedown = (event) => { event.preventDefault(); take(one.address); };
      return option;
    }));
    if (!people.length) {
      $("people").append(make("li", "Nobody on the list.", "quiet"));
      $("state").textContent = "nobody on the list";
    }
    $("people").hidden = false;
    $("search").ariaExpanded = "true";
    point(options().find((option) => option.dataset.address === held) ?? null);
  }
  $("search").oninput = offer;
  $("search").onclick = offer;
  $("search").onfocus = () => $("search").select();
  $("search").onblur = () => { $("search").value = reader; close(); };
  $("search").onkeydown = async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if ($("people").hidden) return offer();
      const all = options(), step = event.key === "ArrowDown" ? 1 : -1, at = all.indexOf(pointed());
      if (all.length) point(all[at < 0 ? (step < 0 ? all.length - 1 : 0) : (at + step + all.length) % all.length]);
    } else if (event.key === "Enter") {
      const words = $("search").value.trim();
      if (!pointed() && words && !words.includes("@")) {
        await offer();
        point(options()[0]);
        if (!pointed()) return;
      }
      take(pointed() ? pointed().dataset.address : words);
      $("search").select();
    } else if (event.key === "Escape") {
      $("search").value = reader;
      close();
    }
  };

  const events = new EventSource("/events");
  events.onmessage = (event) => { version = event.data; load(); };
  events.onerror = gone;
})();
