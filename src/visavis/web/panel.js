// The panel beside the face: three tabs; on a narrow page a sheet that comes from below.

import { at } from "./dom.js";

const WIDE = matchMedia("(min-width: 1080px)");
const TABS = ["talk", "faces", "settings"];

export class Panel {
  constructor() {
    this.box = at("panel");
    at("panel-button").onclick = () => this.set(!this.isOpen);
    at("panel-close").onclick = () => this.set(false);
    at("scrim").onclick = () => this.set(false);
    for (const name of TABS) at(`tab-${name}`).onclick = () => this.select(name);
    at("tab-talk").parentElement.onkeydown = (event) => this._walk(event);
    WIDE.addEventListener("change", () => this.set(WIDE.matches, false));
    this.set(WIDE.matches, false);
  }

  get isOpen() {
    return !this.box.inert;
  }

  /** Whether it lies over the face. */
  get isSheet() {
    return this.isOpen && !WIDE.matches;
  }

  set(open, focus = true) {
    const held = this.box.contains(document.activeElement);
    this.box.inert = !open;
    document.body.classList.toggle("with-panel", open);
    at("scrim").hidden = !(open && !WIDE.matches);
    at("panel-button").setAttribute("aria-expanded", String(open));
    if (focus && open && !WIDE.matches) this._tab.focus();
    if (!open && held) at("panel-button").focus();
    if (open) at("scroll").scrollTop = at("scroll").scrollHeight;
  }

  select(name) {
    for (const each of TABS) {
      const tab = at(`tab-${each}`);
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      at(each).hidden = each !== name;
    }
    if (name === "talk") at("scroll").scrollTop = at("scroll").scrollHeight;
  }

  get _tab() {
    return this.box.querySelector("[aria-selected=true]");
  }

  _walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.getAttribute("role") !== "tab") return;
    const i = (TABS.findIndex((name) => `tab-${name}` === event.target.id) + step + TABS.length) % TABS.length;
    this.select(TABS[i]);
    at(`tab-${TABS[i]}`).focus();
  }
}
