// Small helpers for the page's elements.

/** The element with an id. */
export const at = (id) => document.getElementById(id);

/** A new element with attributes (`text` is its content) and children. */
export function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** An icon of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

/** Say something to a screen reader only. */
export function announce(text) {
  at("announcer").textContent = text;
}

/** A setting that outlives the page; browsers that keep nothing keep nothing. */
export const kept = {
  get(name, fallback) {
    try {
      return JSON.parse(localStorage.getItem(`visavis.${name}`)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`visavis.${name}`);
      else localStorage.setItem(`visavis.${name}`, JSON.stringify(value));
    } catch {
      // private windows: the choice lasts as long as the page
    }
  },
};
