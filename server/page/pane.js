// A text field with a mirror of its text behind it, in which words can be lit: a textarea cannot mark a part of its text.

/** Offsets in code points, as the server counts, to offsets in UTF-16 units, as JavaScript does. */
export function unitOffsets(text) {
  const offsets = [];
  let unit = 0;
  for (const character of text) {
    offsets.push(unit);
    unit += character.length;
  }
  offsets.push(unit);
  return (point) => offsets[Math.min(point, offsets.length - 1)];
}

export const countCharacters = (text) => [...text].length;

export class Pane {
  #mirror;
  #words = []; // the mirror's elements
  #spans = []; // where they begin and end, UTF-16 units

  /** @param {(index: number | null) => void} onPoint  hears which word the pointer or the caret is on */
  constructor(area, mirror, onPoint) {
    this.area = area;
    this.#mirror = mirror;
    // The textarea lies over the mirror; what is under the pointer is looked for through it.
    area.addEventListener("pointermove", (event) => onPoint(this.#wordAt(event.clientX, event.clientY)));
    area.addEventListener("pointerleave", () => onPoint(null));
    area.addEventListener("blur", () => onPoint(null));
    area.addEventListener("keyup", (event) => {
      if (/^(Arrow|Home|End|Page)/.test(event.key)) onPoint(this.#wordAtCaret());
    });
    area.addEventListener("click", () => onPoint(this.#wordAtCaret()));
    area.addEventListener("input", () => this.refresh());
    this.refresh();
  }

  /** Without halves of surrogate pairs, which are no text to the server; the offsets stay. */
  get text() {
    return this.area.value.toWellFormed();
  }

  set text(text) {
    if (this.area.value !== text) this.area.value = text;
    this.refresh();
  }

  set language(code) {
    for (const element of [this.area, this.#mirror]) {
      if (code) element.lang = code;
      else element.removeAttribute("lang");
    }
  }

  /** The mirror as it is without words: it also gives the field its height. */
  refresh() {
    this.#words = [];
    this.#spans = [];
    // A line end at the end shows only if something follows it.
    this.#mirror.textContent = (this.area.value || this.area.placeholder) + "\u200b";
  }

  /** Make words of the text known, and parts of it doubtful: ascending [start, end] in UTF-16 units. */
  mark(words, doubtful = []) {
    const { value } = this.area;
    this.#spans = words;
    this.#words = words.map(([start, end]) => element("span", "word", value.slice(start, end)));
    const parts = document.createDocumentFragment();
    let at = 0;
    let next = 0;
    const fill = (parent, until) => {
      for (; next < words.length && words[next][1] <= until; next++) {
        parent.append(value.slice(at, words[next][0]), this.#words[next]);
        at = words[next][1];
      }
      parent.append(value.slice(at, until));
      at = until;
    };
    for (const [start, end] of doubtful) {
      fill(parts, start);
      const doubt = element("span", "doubtful");
      fill(doubt, end);
      parts.append(doubt);
    }
    fill(parts, value.length);
    this.#mirror.replaceChildren(parts, "\u200b");
  }

  light(indices) {
    this.#words.forEach((word, index) => word.classList.toggle("lit", indices.has(index)));
  }

  #wordAt(x, y) {
    const index = this.#words.indexOf(document.elementsFromPoint(x, y).find((found) => found.matches(".word")));
    return index < 0 ? null : index;
  }

  #wordAtCaret() {
    const caret = this.area.selectionStart;
    const index = this.#spans.findIndex(([start, end]) => start <= caret && caret <= end);
    return index < 0 || caret !== this.area.selectionEnd ? null : index;
  }
}

/** Two panes whose words belong together. */
export class Links {
  #links = []; // [index of a source word, index of a target word]

  constructor(source, target) {
    this.source = source;
    this.target = target;
  }

  /** @param alignments  as the server tells them, in code points */
  show(alignments, doubtful) {
    const sides = [this.source, this.target].map((pane, side) => {
      const unit = unitOffsets(pane.text);
      const spans = new Map();
      for (const link of alignments) {
        const [start, end] = side ? link.target : link.source;
        spans.set(start, [unit(start), unit(end)]);
      }
      return new Map([...spans].sort(([a], [b]) => a - b));
    });
    const indices = sides.map((spans) => new Map([...spans.keys()].map((start, index) => [start, index])));
    this.#links = alignments.map((link) => [indices[0].get(link.source[0]), indices[1].get(link.target[0])]);
    this.source.mark([...sides[0].values()]);
    this.target.mark([...sides[1].values()], doubtful);
  }

  clear() {
    this.#links = [];
    this.source.refresh();
    this.target.refresh();
  }

  /** Light a word of one pane and its partners in the other; null puts all out. */
  point(pane, index) {
    const side = pane === this.source ? 0 : 1;
    const partners = this.#links.filter((link) => link[side] === index).map((link) => link[1 - side]);
    pane.light(new Set([index]));
    (side ? this.source : this.target).light(new Set(partners));
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
