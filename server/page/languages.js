// The language menus: which pairs there are, which one is chosen, and the address's #source-target.

export const AUTO = "auto";

const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
// Below this the detection is a guess and is called one.
const SURE = 0.6;

export function languageName(code) {
  try {
    return names.of(code);
  } catch {
    return code; // not a code that the browser understands
  }
}

export class Languages {
  #pairs = [];
  #source;
  #target;
  #onChange;

  constructor(sourceMenu, targetMenu, onChange) {
    this.#source = sourceMenu;
    this.#target = targetMenu;
    this.#onChange = onChange;
    sourceMenu.addEventListener("change", () => this.#chosen("source"));
    targetMenu.addEventListener("change", () => this.#chosen("target"));
    addEventListener("hashchange", () => this.#readAddress() && onChange());
  }

  /** The menus from the models' pairs, the choice from the address. */
  load(pairs) {
    this.#pairs = pairs;
    fill(this.#source, new Set(pairs.map((pair) => pair.source)));
    fill(this.#target, new Set(pairs.map((pair) => pair.target)));
    this.#source.prepend(new Option("Detect language", AUTO));
    const english = pairs.some((pair) => pair.target === "en") ? "en" : pairs[0]?.target;
    this.#readAddress() || this.#set(AUTO, english);
  }

  /** The chosen source language; null where it is to be detected. */
  get source() {
    return this.#source.value === AUTO ? null : this.#source.value;
  }

  get target() {
    return this.#target.value;
  }

  has(source, target) {
    return this.#pairs.some((pair) => pair.source === source && pair.target === target);
  }

  /** A source language for the target, for a text that tells none. */
  anySource() {
    return this.#pairs.find((pair) => pair.target === this.target)?.source;
  }

  /** Say in the menu what was found; null takes it back. */
  showDetected(code, confidence = 1) {
    const found = code && `${languageName(code)} (${confidence < SURE ? "a guess" : "detected"})`;
    this.#source.options[0].text = found || "Detect language";
  }

  /** The text is in the target language: translate it into another one. False if there is none. */
  turnAwayFrom(code) {
    const pair = this.#pairs.find(({ source, target }) => source === code && target !== this.target);
    if (!pair) return false;
    this.#set(AUTO, pair.target);
    return true;
  }

  /** What the languages would be the other way round, null if no model does that. */
  swapped(detected) {
    const pair = this.source
      ? { source: this.target, target: this.source }
      : this.#pairs.find(({ source, target }) => source === this.target && (!detected || target === detected));
    return pair && this.has(pair.source, pair.target) ? pair : null;
  }

  choose({ source, target }) {
    this.#set(source, target);
  }

  #chosen(changed) {
    let { source, target } = this;
    if (source && !this.has(source, target)) {
      // The menu that was not touched gives way: to what the other one was, where that makes a pair.
      const fits = this.#pairs.filter((pair) => pair[changed] === this[changed]);
      const former = this.#former[changed];
      const pair = fits.find(({ source: s, target: t }) => (changed === "source" ? t : s) === former) ?? fits[0];
      ({ source, target } = pair);
    }
    this.#set(source ?? AUTO, target);
    this.#onChange();
  }

  #former = {};

  #set(source, target) {
    this.#source.value = source;
    this.#target.value = target;
    this.#former = { source: this.source, target };
    this.showDetected(null);
    const address = `#${source}-${target}`;
    if (location.hash !== address) history.replaceState(null, "", address);
  }

  #readAddress() {
    // A code may hold a dash itself (zh-hant), so all cuts are tried.
    const parts = location.hash.slice(1).split("-");
    for (let cut = 1; cut < parts.length; cut++) {
      const [source, target] = [parts.slice(0, cut).join("-"), parts.slice(cut).join("-")];
      if (source === AUTO ? this.#pairs.some((pair) => pair.target === target) : this.has(source, target)) {
        this.#set(source, target);
        return true;
      }
    }
    return false;
  }
}

function fill(menu, codes) {
  const options = [...codes].map((code) => new Option(languageName(code), code));
  menu.replaceChildren(...options.sort((a, b) => a.text.localeCompare(b.text)));
}
