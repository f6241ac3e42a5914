"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const { differences, letters, pictures } = JSON.parse($("data").textContent);
  const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
  const make = (tag, words, kind) => {
    const node = document.createElement(tag);
    if (words !== undefined) node.textContent = words;
    if (kind) node.className = kind;
    return node;
  };
  const kilobytes = (bytes) => (bytes / 1000).toFixed(1) + " KB";
  const measures = (one) => (one.width ? `${one.width} × ${one.height}, ` : "") + (one.bytes ? kilobytes(one.bytes) : "elsewhere");

  // Both letters, side by side and over each other.
  const side = [...document.querySelectorAll("#letters > figure > iframe")];
  const over = [...document.querySelectorAll(".over iframe")];
  const policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:\"><style>html{overflow:auto hidden}</style>";

  function dress(at) {
    let html = letters[at][chosen("scheme")];
    for (const [name, data] of Object.entries(pictures)) html = html.replaceAll("cid:" + name, data);
    return html.replace(/<head[^>]*>/i, (head) => head + policy);
  }

  let turn = 0;
  async function showLetters() {
    const mine = ++turn;
    $("letters").className = chosen("width") + " " + chosen("scheme");
    const shown = [...document.querySelectorAll("input[name=show]")];
    for (const box of shown) $(box.value).hidden = !box.checked;
    const html = [dress(0), dress(1)];
    for (const frames of [side, over]) {
      // Measured when both are there; a frame that is not shown has no heights.
      await Promise.all(frames.map((frame, at) => new Promise((done) => {
        frame.onload = done;
        frame.srcdoc = html[at];
      })));
      if (mine !== turn) return;
      for (const frame of frames) {
        for (const link of frame.contentDocument.links) {
          if (!link.getAttribute("href").startsWith("#")) link.target = "_blank";
        }
      }
      const pages = frames.map((frame) => frame.contentDocument);
      if ($("step").checked) keepInStep(pages);
      if (frames === side) changes = found(pages);
      const heights = frames.map((frame) => {
        frame.style.height = "1px";
        return frame.contentDocument.documentElement.scrollHeight;
      });
      const highest = Math.max(...heights);
      frames.forEach((frame, at) => { frame.style.height = (frames === over ? highest : heights[at]) + "px"; });
      if (frames === over) document.querySelector(".over").style.height = highest + "px";
    }
    document.body.dataset.shown = String(mine);
  }

  // Where the letters differ, from the top of the frames: what only one of them has.
  let changes = [], change = -1;
  function found(pages) {
    const [leaves, keys] = parts(pages);
    const pairs = common(...keys), tops = [];
    for (const at of [0, 1]) {
      const known = new Set(pairs.map((pair) => pair[at]));
      leaves[at].forEach((node, index) => { if (!known.has(index)) tops.push(Math.round(node.getBoundingClientRect().top)); });
    }
    tops.sort((a, b) => a - b);
    change = -1;
    // What is changed close to each other is one change.
    return tops.filter((top, index) => index === 0 || top - tops[index - 1] > 60);
  }
  function go(step) {
    if (tabs[0].ariaSelected !== "true") choose(tabs[0]);
    if (!changes.length) {
      $("place").textContent = "no difference in what is shown";
      return;
    }
    change = (change + step + changes.length) % changes.length;
    const frame = side.find((one) => one.getClientRects().length) ?? side[0];
    const box = $("letters");
    const top = frame.offsetTop - box.offsetTop + changes[change] - 60;
    if (box.scrollHeight > box.clientHeight + 1) box.scrollTo(0, top);
    else scrollTo(0, box.getBoundingClientRect().top + scrollY + top);
    $("place").textContent = `change ${change + 1} of ${changes.length}`;
  }
  $("next").onclick = () => go(1);
  $("previous").onclick = () => go(change < 0 ? 0 : -1);

  // The leaves of both letters, and what each says.
  function parts(pages) {
    const leaves = pages.map((page) => [...page.querySelectorAll("p, h1, h2, h3, h4, h5, h6, li, pre, figure, td")]
      .filter((node) => !node.querySelector("p, h1, h2, h3, h4, h5, h6, li, pre, td") && node.getClientRects().length)
      .filter((node) => node.textContent.trim() || node.querySelector("img"))
      // A cell's own top does not move with what is in it.
      .map((node) => node.localName === "td" ? node.firstElementChild : node).filter((node) => node));
    const keys = leaves.map((nodes) => nodes.map((node) => node.localName + node.textContent.replace(/\s+/g, " ").trim() + ((node.localName === "img" ? node : node.querySelector("img"))?.src ?? "")));
    return [leaves, keys];
  }

  // What both letters hold begins at the same height: the one that lacks something gets room for it. Otherwise all that
  // is below an added line would differ.
  function keepInStep(pages) {
    const [leaves, keys] = parts(pages);
    for (const [a, b] of common(...keys)) {
      const pair = [leaves[0][a], leaves[1][b]];
      const lead = () => pair[1].getBoundingClientRect().top - pair[0].getBoundingClientRect().top;
      let ahead = lead();
      if (Math.abs(ahead) < 0.01) continue;
      const lag = 0 < ahead ? 0 : 1;
      const spacer = pages[lag].createElement("div");
      spacer.style.cssText = "line-height:0;font-size:0";
      pair[lag].before(spacer);
      // Margins that fell together no longer do with something between them: the room is measured, not reckoned.
      let room = 0;
      for (let times = 0; times < 3 && 0.01 < Math.abs(ahead); times++) {
        room = Math.max(0, room + (lag === 0 ? ahead : -ahead));
        spacer.style.height = room + "px";
        ahead = lead();
      }
    }
  }

  // The longest common subsequence, as pairs of places.
  function common(one, other) {
    const wide = other.length + 1;
    if (4e6 < (one.length + 1) * wide) return [];
    const best = new Uint16Array((one.length + 1) * wide);
    for (let a = one.length - 1; 0 <= a; a--) {
      for (let b = other.length - 1; 0 <= b; b--) {
        best[a * wide + b] = one[a] === other[b] ? best[(a + 1) * wide + b + 1] + 1 : Math.max(best[(a + 1) * wide + b], best[a * wide + b + 1]);
      }
    }
    const pairs = [];
    for (let a = 0, b = 0; a < one.length && b < other.length;) {
      if (one[a] === other[b]) pairs.push([a++, b++]);
      else if (best[(a + 1) * wide + b] >= best[a * wide + b + 1]) a++;
      else b++;
    }
    return pairs;
  }

  // What is printed: the same as on the terminal.
  function section(title, ...nodes) {
    const node = make("section");
    node.append(make("h2", title), ...nodes);
    $("differences").append(node);
  }

  const item = (sign, words, more, kind) => {
    const node = make("li", sign + " " + words, (sign === "+" ? "came" : "gone") + (kind ? " " + kind : ""));
    if (more) node.append(make("small", more));
    return node;
  };

  function list(title, items) {
    if (!items.length) return;
    const node = make("ol");
    node.append(...items);
    section(title, node);
  }

  const set = (title, all, words, more) => list(title, [
    ...all.changed.flatMap((one) => [item("−", words(one.before), more(one.before)), item("+", words(one.now), more(one.now))]),
    ...all.removed.map((one) => item("−", words(one), more(one))),
    ...all.added.map((one) => item("+", words(one), more(one))),
  ]);

  function showTold() {
    $("title").textContent = differences.title;
    document.title = differences.title + " · what changed";
    $("file").textContent = `${differences.was ? differences.was + " → " : ""}${differences.issue} since ${differences.revision} (${differences.commit}, ${differences.date})`;
    document.querySelector(".when").textContent = `${differences.revision}, ${differences.date}`;
    if (differences.same) $("differences").append(make("p", "The letter is the same.", "same"));
    for (const field of differences.fields) {
      list(field.name, [["−", field.before], ["+", field.now]].filter(([, words]) => words).map(([sign, words]) => item(sign, words)));
    }
    const bar = (bytes) => {
      const node = make("div", undefined, "bar" + (differences.size.limit < bytes ? " over-limit" : ""));
      node.ariaHidden = "true";
      const filled = make("span");
      filled.style.width = Math.min(100, 100 * bytes / differences.size.limit) + "%";
      node.append(filled);
      return node;
    };
    section("Size", make("div", kilobytes(differences.size.before) + " before", "quiet"), bar(differences.size.before),
      make("div", `${kilobytes(differences.size.now)} now, of the 102.4 KB of HTML that Gmail shows`, "quiet"), bar(differences.size.now));
    set("Links", differences.links, (link) => link.words || "(no words)", (link) => link.address);
    set("Pictures", differences.pictures, (picture) => picture.name, measures);
    list("Findings", [
      ...differences.findings.gone.map((one) => item("−", one.message, `${one.severity} ${one.code}`)),
      ...differences.findings.new.map((one) => item("+", one.message, `${one.severity} ${one.code} · ${one.path}${one.line ? ":" + one.line : ""}`)),
    ]);
    list("Looks", [
      ...differences.looks.removed.map((one) => item("−", one, "", "mono")),
      ...differences.looks.added.map((one) => item("+", one, "", "mono")),
    ]);
    for (const hunk of differences.text) {
      const node = make("section", undefined, "hunk");
      const lines = make("pre");
      for (const line of hunk.lines) {
        const row = make({ "-": "del", "+": "ins" }[line.sign] || "span", line.sign === "-" ? "− " : line.sign + " ");
        row.append(...line.pieces.map((piece) => make(piece.changed ? "b" : "span", piece.text)));
        lines.append(row);
      }
      node.append(make("h2", `line ${hunk.now}, before ${hunk.before}`), lines);
      $("text").append(node);
    }
    if (!differences.text.length) $("text").append(make("p", "The text part is the same.", "quiet"));
  }

  function choose(tab) {
    for (const other of tabs) {
      other.ariaSelected = String(other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    // Frames that were hidden had no heights.
    if (tab === tabs[0]) showLetters();
  }

  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, at) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      const next = tabs[1 - at];
      choose(next);
      next.focus();
    };
  });
  document.querySelectorAll("input").forEach((input) => { input.onchange = showLetters; });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const other = (name) => document.querySelector(`input[name=${name}]:not(:checked)`);
    if (event.key === "w") other("width").click();
    if (event.key === "d") other("scheme").click();
    if (event.key === "s") $("step").click();
    if (event.key === "n") $("next").click();
    if (event.key === "p") $("previous").click();
    if (event.key === "1" || event.key === "2") choose(tabs[event.key - 1]);
  });
  showTold();
  showLetters();
})();
