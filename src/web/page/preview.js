"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const kept = $("data") ? JSON.parse($("data").textContent) : null;
  // A file has one issue, and no server that makes its web page.
  if (kept) for (const id of ["tab-web", "web", "switch", "downloads", "live"]) $(id).remove();
  let reader = "", issue = "", images = true, together = true;
  let scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let version = "0", turn = 0, empty = false;

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
  const query = (more) => new URLSearchParams({ as: reader, issue, v: version, ...more });
  const ask = async (path, more) => {
    const answer = await fetch(path + "?" + query(more));
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };

  // The letter in its two windows; each keeps the place where the reader was.
  const panes = [["phone", 375, false], ["desktop", 680, true]].map(([id, width, fills]) => new Pane($(id), {
    width, fills,
    onPage(page) {
      for (const link of page.links) {
        if (!link.getAttribute("href").startsWith("#")) link.target = "_blank";
      }
      page.addEventListener("keydown", keys);
    },
    onScroll(pane) {
      if (together) panes.filter((other) => other !== pane).forEach((other) => { other.share = pane.share; });
    },
  }));
  let shown = 0, pending = 0;
  async function showLetter() {
    const mine = ++shown;
    document.documentElement.dataset.pending = ++pending;
    let page;
    if (kept) {
      page = kept[scheme];
      for (const [name, data] of Object.entries(kept.pictures)) page = page.replaceAll("cid:" + name, images ? data : "about:blank");
      const rule = "default-src 'none'; style-src 'unsafe-inline'; img-src " + (images ? "http: https: data:" : "'none'");
      page = page.replace(/<head[^>]*>/i, (head) => head + '<meta http-equiv="Content-Security-Policy" content="' + rule + '">');
    }
    const policy = images ? "on" : "off";
    const address = "letter?" + query({ scheme, images: policy, turn: mine });
    const of = version;
    if (!kept && panes.every((pane) => pane.takes(policy))) {
      page = await fetch(address).then((answer) => answer.ok ? answer.text() : undefined).catch(() => undefined);
    }
    const all = mine === shown ? await Promise.all(panes.map((pane) => pane.show(kept ? { source: page } : { address, policy, source: page }))) : [];
    document.documentElement.dataset.pending = --pending;
    if (mine !== shown) return;
    if (!all.every(Boolean)) return gone();
    document.documentElement.dataset.shown = of;
  }

  function showView(view) {
    $("title").textContent = view.title;
    document.title = (view.problems.length ? "✗ " : "") + view.title + " · preview";
    $("file").textContent = view.file;
    panes.forEach((pane) => pane.remember());
    const broken = view.problems.length > 0;
    // A letter that was good once stays in sight while its files are broken.
    empty = broken && !view.stale;
    $("problems").hidden = !broken;
    $("problems").replaceChildren(...(broken ? [make("h2", empty ? "There is no letter yet" : "The last good letter is shown"), ...view.problems.map(problem)] : []));
    document.body.classList.toggle("stale", view.stale);
    document.querySelectorAll("[role=tabpanel]").forEach((panel) => {
      panel.hidden = empty || $(panel.getAttribute("aria-labelledby")).ariaSelected !== "true";
    });
    $("inbox").hidden = $("views").hidden = document.querySelector("aside").hidden = empty;
    if (empty) return;
    panes.forEach((pane) => pane.restore());
    for (const [name, words] of [["sender", view.sender], ["subject", view.subject], ["preheader", view.preheader]]) {
      document.querySelectorAll("#inbox ." + name).forEach((node) => { node.textContent = words; });
    }
    $("search").placeholder = view.reader;
    $("text-part").textContent = view.text;
    $("header-fields").textContent = view.headers;
    $("raw").textContent = view.raw;
    $("raw-more").hidden = !view.raw_cut;
    $("raw-link").hidden = Boolean(kept);
    $("raw-link").href = "raw?" + query();
    if (kept) return;
    for (const kind of ["html", "txt", "eml"]) $("download-" + kind).href = "download/" + kind + "?" + query();
    if (!$("web").hidden) showWeb();
  }

  // The page of the issue on the web.
  const showWeb = () => { $("web-page").contentWindow.location.replace("web?" + query()); };
  const live = (state) => { $("live").dataset.state = state; $("live").textContent = state; };

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

  const colors = ["#7d766b", "#3f6fa3", "#c07a3e", "#4f8a68", "#8a639f", "#b59a2c", "#b3525f", "#3d95a0", "#7b8138"];

  function showFindings(report) {
    const findings = report.findings.map((one) => {
      const item = make("li", undefined, one.severity);
      const button = rich("button", one.message);
      button.type = "button";
      const here = one.line && one.place.startsWith($("file").textContent + ":");
      button.append(make("small", one.severity + " " + one.code + " · " + (here ? "line " + one.line : one.place)));
      if (one.marked) button.append(excerpt(one));
      if (one.help) button.append(rich("small", one.help));
      const more = make("div");
      if (one.editor && !kept) {
        const open = make("a", "Open in editor", "editor");
        open.href = one.editor;
        more.append(open);
      }
      if (one.opens && !kept) {
        const open = make("button", "Open in editor", "editor");
        open.type = "button";
        open.onclick = async () => {
          const answer = await fetch("api/editor?" + new URLSearchParams({ place: one.opens }), { method: "POST" }).catch(() => null);
          $("state").textContent = answer?.ok ? "opened " + one.opens : answer ? await answer.text() : "the preview does not answer";
        };
        more.append(open);
      }
      if (one.explanation) {
        const why = make("details");
        why.append(make("summary", "Why"), rich("p", one.explanation));
        more.append(why);
      }
      button.onclick = () => {
        document.querySelectorAll("#findings [aria-current]").forEach((other) => other.removeAttribute("aria-current"));
        button.setAttribute("aria-current", "true");
        jump(one);
      };
      item.append(button, more);
      return item;
    });
    $("findings").replaceChildren(...(findings.length ? findings : [make("li", "No findings.", "quiet")]));
    $("findings").dataset.version = version;
    $("findings-count").textContent = findings.length || "";
    const total = report.shares.reduce((sum, share) => sum + share.bytes, 0);
    const full = 102400, scale = Math.max(full, total);
    const kilobytes = (bytes) => (bytes / 1000).toFixed(1) + " KB";
    $("budget-words").textContent = !total ? "" : total <= full
      ? kilobytes(total) + " of the 102 KB of HTML that Gmail shows"
      : kilobytes(total) + ": Gmail cuts the letter off after 102 KB of HTML";
    $("budget").className = full < total ? "over" : "";
    const colorAt = (at) => at ? colors[1 + (at - 1) % (colors.length - 1)] : colors[0];
    $("budget").replaceChildren(...report.shares.map((share, at) => {
      const bar = make("span");
      bar.title = share.section + ", " + kilobytes(share.bytes);
      bar.style.width = (100 * share.bytes / scale) + "%";
      bar.style.backgroundColor = colorAt(at);
      return bar;
    }));
    if (full < total) {
      const cut = make("i");
      cut.style.left = (100 * full / scale) + "%";
      $("budget").append(cut);
    }
    $("shares").replaceChildren(...report.shares.map((share, at) => {
      const item = make("li"), row = make(share.heading ? "button" : "div");
      const swatch = make("i");
      swatch.style.backgroundColor = colorAt(at);
      row.append(swatch, make("span", share.section), make("span", kilobytes(share.bytes), "bytes"));
      if (share.heading) {
        row.type = "button";
        row.onclick = () => jump({ heading: share.heading, code: share.section, place: "line " + share.line });
      }
      item.append(row);
      return item;
    }));
  }

  // By its anchor, or by its words: an anchor that nothing links to is left out of the letter.
  function heading(page, { anchor, words }, plain) {
    const headings = [...page.querySelectorAll("h2, h3, h4, h5, h6")];
    return page.getElementById(anchor) || page.getElementsByName(anchor)[0]?.parentElement
      || headings.find((node) => plain(node.textContent).trim() === plain(words));
  }

  // To the words that a finding speaks of, or to the heading above them.
  function jump(one) {
    choose($("tab-letter"));
    const runs = (one.excerpt || "").split(/[*_`[\]()#>|{}<!\\]+/).map((run) => run.trim()).filter((run) => 4 < run.length);
    runs.sort((a, b) => b.length - a.length);
    for (const { page } of panes) {
      const leaves = [...page.querySelectorAll("p, h1, h2, h3, h4, li, td, a, div")].filter((node) => !node.querySelector("p, div, td"));
      const plain = (text) => text.replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"').replace(/\s+/g, " ");
      const run = runs.find((run) => leaves.some((node) => plain(node.textContent).includes(run)));
      const place = run ? leaves.find((node) => plain(node.textContent).includes(run)) : one.heading && heading(page, one.heading, plain);
      page.querySelectorAll("[data-found]").forEach((node) => { node.style.outline = ""; delete node.dataset.found; });
      // What is rich of the settings or the list is nowhere in the letter.
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
      const letter = showLetter();
      const view = await ask("api/letter");
      if (mine !== turn) return;
      showView(view);
      live(view.stale ? "stale" : view.problems.length ? "broken" : "live");
      $("state").textContent = "";
      if (!kept) showIssues(view);
      // Those of the last good letter stay with it.
      if (view.problems.length && $("findings").dataset.version) return;
      // What looks for findings would keep the processor from showing the letter.
      await letter;
      const report = await ask("api/findings");
      if (mine === turn) showFindings(report);
    } catch (error) {
      if (mine === turn) gone();
    }
  }
  const gone = () => { live("gone"); $("state").textContent = "the preview does not answer: is `mimeo preview` still running?"; };

  function choose(tab) {
    panes.forEach((pane) => pane.remember());
    document.querySelectorAll("[role=tab]").forEach((other) => {
      const chosen = other === tab;
      other.ariaSelected = String(chosen);
      other.tabIndex = chosen ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = !chosen || empty;
    });
    panes.forEach((pane) => pane.restore());
    if (tab.id === "tab-web" && !empty) showWeb();
  }

  const toggle = (button, on) => button.setAttribute("aria-pressed", String(on));
  function color(wanted) {
    scheme = wanted;
    $("scheme").value = scheme;
    toggle($("dark"), scheme === "dark");
  }
  color(scheme);
  $("dark").onclick = () => { color(scheme === "dark" ? "light" : "dark"); showLetter(); };
  $("scheme").onchange = () => { color($("scheme").value); showLetter(); };
  $("together").onclick = () => { together = !together; toggle($("together"), together); };
  const widths = [...document.querySelectorAll("#widths button")];
  for (const button of widths) {
    button.onclick = () => {
      for (const other of widths) toggle(other, other === button);
      $("phone").closest("figure").style.flexBasis = Number(button.textContent) + 2 + "px";
      panes[0].resize(Number(button.textContent));
    };
  }
  $("images").onclick = () => { images = !images; toggle($("images"), !images); showLetter(); };
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
    if (event.target.matches?.("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "d") $("dark").click();
    if (event.key === "i") $("images").click();
    if (event.key === "/" && !kept) { event.preventDefault(); $("search").focus(); }
    if (event.key === "s") $("together").click();
    if (event.key === "w") widths[(widths.findIndex((one) => one.ariaPressed === "true") + 1) % widths.length].click();
    if ((event.key === "[" || event.key === "]") && !kept) {
      const next = $("issue").selectedIndex + (event.key === "]" ? 1 : -1);
      if ($("issue").options[next]) { $("issue").selectedIndex = next; $("issue").onchange(); }
    }
    // A file has four tabs.
    const tab = tabs[event.key - 1];
    if (tab) choose(tab);
  }
  document.addEventListener("keydown", keys);

  if (kept) {
    $("chooser").hidden = true;
    showView(kept.letter);
    showLetter();
    showFindings(kept.findings);
    return;
  }

  // The issues of the newsletter, the newest last, and the one that is shown.
  async function showIssues(view) {
    const { issues } = await ask("api/issues").catch(() => ({ issues: [] }));
    const options = issues.map((one) => {
      const option = make("option", one.name);
      option.value = one.name;
      option.selected = one.name === (issue || view.name);
      return option;
    });
    $("issue").replaceChildren(...options);
  }
  $("issue").onchange = () => { issue = $("issue").value; delete $("findings").dataset.version; load(); };

  // A test letter goes only to addresses that the settings name, and only after a question.
  const post = async (path, more) => {
    const answer = await fetch(path + "?" + query(more), { method: "POST" });
    return answer.text();
  };
  ask("api/test").then(({ to }) => {
    $("test").hidden = !to.length;
    $("sending-to").replaceChildren(...to.map((address) => make("option", address)));
  }).catch(() => {});
  $("test").onclick = () => {
    $("sending-words").textContent = "“" + $("title").textContent + "”, as " + $("search").placeholder + " gets it, with [Test] before its subject.";
    $("sending-answer").textContent = "";
    $("sending-yes").disabled = false;
    $("sending").showModal();
  };
  $("sending-no").onclick = () => $("sending").close();
  $("sending-yes").onclick = async () => {
    $("sending-yes").disabled = true;
    $("sending-answer").textContent = "Sending…";
    $("sending-answer").textContent = await post("api/test", { to: $("sending-to").value }).catch(() => "The preview does not answer.");
  };

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
    const { people } = await ask("api/people", { q: $("search").value === reader ? "" : $("search").value.trim() }).catch(() => ({ people: [] }));
    if (mine !== asked) return;
    // An answer that comes late takes no one out of the hand.
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
      $("people").append(make("li", "No subscriber matches.", "quiet"));
      $("state").textContent = "no subscriber matches";
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

  const events = new EventSource("events");
  events.onmessage = (event) => { version = event.data; load(); };
  events.onerror = gone;
})();
