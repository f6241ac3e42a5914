"use strict";
// One window of the preview: a letter at a certain width.
//
// Two frames lie on top of each other. While one is shown, the other loads the next version as a page of its own, and
// takes its place when it is ready, so that nothing flickers. A page of its own, because a document that this page
// parsed would be under this page's policy, which allows no inline style; letters are made of inline styles.
class Pane {
  // How long a page whose text is there may wait for its pictures before it is shown, in milliseconds.
  static PICTURES_MAX = 250;

  constructor(frame, { width, fills, onPage }) {
    this.box = frame.parentElement;
    this.caption = frame.closest("figure").querySelector("figcaption span");
    this.id = frame.id;
    this.width = width;
    this.fills = fills;
    this.onPage = onPage;
    this.place = 0;
    this.turn = 0;
    this.front = frame;
    this.back = frame.cloneNode();
    frame.after(this.back);
    this.label();
    new ResizeObserver(() => this.fit()).observe(this.box);
  }

  get page() { return this.front.contentDocument; }
  get isVisible() { return this.box.clientWidth > 0; }

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

  // Shows a page by its address, or by its source where there is no server. A later call takes the place of an earlier
  // one. The promise gives whether this call's page is shown now.
  show({ address, source }) {
    const turn = ++this.turn, frame = this.back;
    return new Promise((done) => {
      let text = 0;
      const swap = (shown) => {
        if (turn === this.turn) this.turn++;
        frame.onload = null;
        if (shown) this.swap();
        done(shown);
      };
      const look = (loaded) => {
        if (turn !== this.turn) return done(false);
        let page = null;
        try {
          const isThisPage = source !== undefined || frame.contentWindow.location.href === new URL(address, location).href;
          page = isThisPage ? frame.contentDocument : null;
        } catch { /* the browser's own page, because nobody answered */ }
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

  swap() {
    const hadFocus = document.activeElement === this.front;
    this.remember();
    [this.front, this.back] = [this.back, this.front];
    this.onPage(this.page);
    this.restore();
    this.label();
    if (hadFocus) this.front.focus();
  }
}
