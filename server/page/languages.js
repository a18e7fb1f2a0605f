// The language menus: which pairs there are, which one is chosen, and the address's #source-target.
import { Combobox } from "./combobox.js";
import { byId } from "./dom.js";

export const AUTO = "auto";
const DETECT = "Detect language";

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

/** What a language calls itself, if the browser knows. */
function ownName(code) {
  try {
    return new Intl.DisplayNames([code], { type: "language", fallback: "none" }).of(code);
  } catch {
    return undefined;
  }
}

export class Languages {
  #pairs = [];
  #source;
  #target;
  #onChange;

  constructor(onChange) {
    this.#source = new Combobox(byId("source-language"), byId("source-languages"), () => this.#chosen("source"));
    this.#target = new Combobox(byId("target-language"), byId("target-languages"), () => this.#chosen("target"));
    this.#onChange = onChange;
    addEventListener("hashchange", () => this.#readAddress() && onChange());
  }

  /** The menus from the models' pairs, the choice from the address. */
  load(pairs) {
    this.#pairs = pairs;
    this.#source.options = [{ value: AUTO, text: DETECT }, ...options(pairs.map((pair) => pair.source))];
    this.#target.options = options(pairs.map((pair) => pair.target));
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

  /** All directions, each once. */
  get pairs() {
    return [...new Map(this.#pairs.map((pair) => [`${pair.source} ${pair.target}`, pair])).values()];
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
    this.#source.rename(AUTO, found || DETECT);
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

function options(codes) {
  const found = [...new Set(codes)].map((code) => {
    const own = ownName(code);
    return { value: code, text: languageName(code), others: own ? [own] : [] };
  });
  return found.sort((a, b) => a.text.localeCompare(b.text, "en"));
}
