"use strict";
// One window of the preview: a letter at a certain width.
//
// Two frames lie on top of each other. While one is shown, the other gets the next version, and takes its place when it is
// ready, so that nothing flickers. A frame loads its first letter as a page of its own: a document that this page parsed
// would be under this page's policy, which allows no inline style, and letters are made of inline styles. A later letter is
// parsed by the frame that shows it, under the policy that its page came with, which is much quicker than a new page.
class Pane {
  // How long a page whose text is there may wait for its pictures before it is shown, in milliseconds.
  static PICTURES_MAX = 250;

  constructor(frame, { width, fills, onPage, onScroll }) {
    this.box = frame.parentElement;
    this.caption = frame.closest("figure").querySelector("figcaption span");
    this.id = frame.id;
    this.width = width;
    this.fills = fills;
    this.onPage = onPage;
    this.onScroll = onScroll;
    this.place = 0;
    this.turn = 0;
    this.front = frame;
    this.back = frame.cloneNode();
    frame.after(this.back);
    // The policy that the page in a frame came with; none for a frame without a page of ours.
    this.policies = new Map();
    this.lead = () => { Pane.led = this; };
    this.scrolled = () => { if (Pane.led === this) this.onScroll(this); };
    this.label();
    new ResizeObserver(() => this.fit()).observe(this.box);
  }

  get page() { return this.front.contentDocument; }
  get isVisible() { return this.box.clientWidth > 0; }

  // How far down the page is, from 0 to 1.
  get share() {
    const { scrollHeight, clientHeight } = this.page.documentElement;
    return scrollHeight > clientHeight ? this.front.contentWindow.scrollY / (scrollHeight - clientHeight) : 0;
  }
  set share(share) {
    const { scrollHeight, clientHeight } = this.page.documentElement;
    this.front.contentWindow.scrollTo(0, share * (scrollHeight - clientHeight));
  }

  // The pane follows what a person does in the other one; a page that moves on its own moves no other one.
  listen() {
    // What listens already is not added again.
    for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) {
      this.page.addEventListener(kind, this.lead, { passive: true });
    }
    this.page.addEventListener("scroll", this.scrolled, { passive: true });
  }

  resize(width) {
    this.width = width;
    this.fit();
  }

  // Only the frame in front has the name, and takes part in reading and the order of the Tab key.
  label() {
    this.back.removeAttribute("id");
    this.front.id = this.id;
    for (const frame of [this.front, this.back]) {
      frame.inert = frame === this.back;
      frame.ariaHidden = String(frame === this.back);
      frame.style.visibility = frame === this.back ? "hidden" : "";
    }
  }

  // Each frame is as wide as what it stands for; where there is less room, all of it is drawn smaller.
  fit() {
    if (!this.isVisible) return;
    const width = this.fills ? Math.max(this.width, this.box.clientWidth) : this.width;
    const share = Math.min(1, this.box.clientWidth / width);
    for (const frame of [this.front, this.back]) {
      frame.style.width = width + "px";
      frame.style.height = this.box.clientHeight / share + "px";
      frame.style.transform = share < 1 ? "scale(" + share + ")" : "";
    }
    this.caption.textContent = width + " px" + (share < 1 ? ", at " + Math.round(100 * share) + " %" : "");
  }

  // A frame that is out of sight forgets where it was scrolled to.
  remember() {
    if (this.isVisible && this.front.contentWindow) this.place = this.front.contentWindow.scrollY;
  }
  restore() {
    this.fit();
    if (this.isVisible) this.front.contentWindow.scrollTo(0, this.place);
  }

  // Whether the next letter under this policy can be parsed by the frame that will show it.
  takes(policy) { return this.policies.get(this.back) === policy; }

  // Shows a letter: by its source under a policy that this pane takes, else by its address, or by its source where there is
  // no server. A later call takes the place of an earlier one. The promise gives whether this call's letter is shown now.
  show({ address, policy, source }) {
    if (address && source !== undefined && this.takes(policy)) return this.fill(source);
    return this.load(address ? { address, policy } : { source });
  }

  // Parses a letter in the frame that is out of sight.
  async fill(source) {
    const turn = ++this.turn, frame = this.back, page = frame.contentDocument;
    const root = new frame.contentWindow.DOMParser().parseFromString(source, "text/html").documentElement;
    // A picture that is there is drawn with the words, not after them.
    for (const picture of root.querySelectorAll("img")) picture.decoding = "sync";
    page.documentElement.replaceWith(page.adoptNode(root));
    const missing = [...page.images].filter((picture) => !picture.complete);
    if (missing.length) {
      const arrived = missing.map((picture) => new Promise((done) => { picture.onload = picture.onerror = done; }));
      await Promise.race([Promise.all(arrived), new Promise((done) => setTimeout(done, Pane.PICTURES_MAX))]);
    }
    if (turn !== this.turn) return false;
    this.swap();
    return true;
  }

  // Loads a letter as a page of its own into the frame that is out of sight.
  load({ address, policy, source }) {
    const turn = ++this.turn, frame = this.back;
    this.policies.delete(frame);
    return new Promise((done) => {
      let text = 0;
      const swap = (shown) => {
        if (turn === this.turn) this.turn++;
        frame.onload = null;
        if (shown) {
          this.swap();
          if (address) this.prepare(address, policy);
        }
        done(shown);
      };
      const look = (loaded) => {
        if (turn !== this.turn) return done(false);
        let page = null;
        try {
          const isThisPage = source !== undefined || frame.contentWindow.location.href === new URL(address, location).href;
          page = isThisPage ? frame.contentDocument : null;
        } catch { /* the browser's own page, because no one answered */ }
        if (loaded && !page) return swap(false);
        if (page && page.readyState !== "loading") text ||= performance.now();
        if (loaded || (text && performance.now() - text > Pane.PICTURES_MAX)) return swap(true);
        if (!loaded) setTimeout(look, 10);
      };
      frame.onload = () => look(true);
      if (source !== undefined) frame.srcdoc = source;
      else {
        // Replacing leaves no trail in the history of the window.
        frame.contentWindow.location.replace(address);
        setTimeout(look, 10);
      }
    });
  }

  // The page that was loaded takes the next letter but one, and the other frame gets a page that takes the next one.
  prepare(address, policy) {
    const frame = this.back;
    this.policies.set(this.front, policy);
    if (this.takes(policy)) return;
    this.policies.delete(frame);
    frame.onload = () => { if (frame.contentDocument) this.policies.set(frame, policy); };
    frame.contentWindow.location.replace(address);
  }

  swap() {
    const hadFocus = document.activeElement === this.front;
    this.remember();
    [this.front, this.back] = [this.back, this.front];
    this.onPage(this.page);
    this.listen();
    this.restore();
    this.label();
    if (hadFocus) this.front.focus();
  }
}
