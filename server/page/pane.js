// A text field with a mirror of its text behind it, in which words can be lit: a textarea cannot mark a part of its text.
import { make } from "./dom.js";

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
  #sentences = []; // the same of the sentences; null for one that does not stand there
  #sentenceSpans = [];

  /**
   * @param {(index: number | null) => void} onPoint  hears which word the pointer or the caret is on
   * @param {(index: number) => void} onSentence  hears which sentence the caret was moved to
   */
  constructor(area, mirror, onPoint, onSentence) {
    this.area = area;
    this.#mirror = mirror;
    // The textarea lies over the mirror; what is under the pointer is looked for through it.
    area.addEventListener("pointermove", (event) => onPoint(this.#wordAt(event.clientX, event.clientY)));
    area.addEventListener("pointerleave", () => onPoint(null));
    area.addEventListener("blur", () => onPoint(null));
    area.addEventListener("keyup", (event) => {
      if (/^(Arrow|Home|End|Page)/.test(event.key)) moved();
    });
    area.addEventListener("click", () => moved());
    area.addEventListener("input", () => this.refresh());
    const moved = () => {
      onPoint(this.#atCaret(this.#spans));
      const sentence = this.#atCaret(this.#sentenceSpans);
      if (sentence !== null) onSentence(sentence);
    };
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
    this.#sentences = [];
    this.#sentenceSpans = [];
    // A line end at the end shows only if something follows it.
    this.#mirror.textContent = (this.area.value || this.area.placeholder) + "\u200b";
  }

  /**
   * Make parts of the text known: ascending [start, end] in UTF-16 units.
   * @param {{span: number[] | null, isDoubtful: boolean}[]} sentences
   */
  mark(words, sentences) {
    const { value } = this.area;
    this.#spans = words;
    this.#words = words.map(([start, end]) => make("span", { class: "word" }, value.slice(start, end)));
    this.#sentenceSpans = sentences.map(({ span }) => span);
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
    this.#sentences = sentences.map(({ span, isDoubtful }) => {
      if (!span) return null;
      fill(parts, span[0]);
      const sentence = make("span", { class: isDoubtful ? "sentence doubtful" : "sentence" });
      fill(sentence, span[1]);
      parts.append(sentence);
      return sentence;
    });
    fill(parts, value.length);
    this.#mirror.replaceChildren(parts, "\u200b");
  }

  light(indices) {
    this.#words.forEach((word, index) => word.classList.toggle("lit", indices.has(index)));
  }

  /** Show which sentence is meant; null for none. */
  choose(index) {
    this.#sentences.forEach((sentence, each) => sentence?.classList.toggle("chosen", each === index));
  }

  #wordAt(x, y) {
    const index = this.#words.indexOf(document.elementsFromPoint(x, y).find((found) => found.matches(".word")));
    return index < 0 ? null : index;
  }

  #atCaret(spans) {
    const caret = this.area.selectionStart;
    const index = spans.findIndex((span) => span && span[0] <= caret && caret <= span[1]);
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

  /**
   * @param alignments  as the server tells them, in code points
   * @param sentences  as `findSentences` finds them
   */
  show(alignments, sentences) {
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
    this.source.mark([...sides[0].values()], sentences.map(({ source }) => ({ span: source, isDoubtful: false })));
    this.target.mark(
      [...sides[1].values()],
      sentences.map(({ target, doubts }) => ({ span: target, isDoubtful: doubts.length > 0 })),
    );
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
