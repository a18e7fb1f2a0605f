// Other translations in a list under the first one, of one sentence or of the whole text; what is picked takes its place.
import { byId, make } from "./dom.js";

export class Alternatives {
  #button = byId("more");
  #panel = byId("alternatives");
  #which = byId("alternatives-which");
  #list = byId("alternatives-list");
  #listeners;
  #numbers = []; // of the sentences that can be chosen from
  #total = 0; // sentences
  #sentence = null; // null for the whole text

  /**
   * @param {(sentence: number | null) => void} listeners.ask  is to call `show`; without a number for the whole text
   * @param {(sentence: number | null) => void} listeners.choose  which sentence is meant; null where none is
   * @param {(text: string, sentence: number | null) => void} listeners.pick
   */
  constructor(listeners) {
    this.#listeners = listeners;
    this.#button.addEventListener("click", () => (this.#isOpen ? this.close() : this.#open()));
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.close();
      this.#button.focus();
    });
    byId("sentence-before").addEventListener("click", () => this.#step(-1));
    byId("sentence-behind").addEventListener("click", () => this.#step(1));
    byId("sentence-none").addEventListener("click", () => this.#choose(null));
  }

  get #isOpen() {
    return this.#button.getAttribute("aria-expanded") === "true";
  }

  /**
   * There is another translation; none of its sentences is meant.
   * @param {boolean[]} sentences  whether others can be put in the place of each
   */
  offer(sentences) {
    this.#total = sentences.length;
    this.#numbers = sentences.flatMap((canBe, number) => (canBe ? [number] : []));
    this.#sentence = null;
    this.close();
  }

  /** Somebody points at a sentence: it is the one that is meant, now or when the list is opened. */
  point(sentence) {
    if (this.#total < 2 || !this.#numbers.includes(sentence) || sentence === this.#sentence) return;
    if (this.#isOpen) this.#choose(sentence);
    else this.#sentence = sentence;
  }

  /** @param {string[]} texts  all translations; `shown` is the one that stands above the list */
  show(texts, shown, language) {
    if (!this.#isOpen) return; // closed while they were on their way
    const others = texts.filter((text) => text !== shown);
    const sentence = this.#sentence;
    const buttons = others.map((text) => {
      const button = make("button", { type: "button", textContent: text, lang: language, dir: "auto" });
      button.addEventListener("click", () => {
        this.#listeners.pick(text, sentence);
        this.show(texts, text, language);
        this.#list.querySelector("button").focus();
      });
      return button;
    });
    this.#list.replaceChildren(...(buttons.length ? buttons : [make("p", {}, "There are no others.")]));
    this.#panel.hidden = false;
  }

  close() {
    this.#panel.hidden = true;
    this.#list.replaceChildren();
    this.#button.setAttribute("aria-expanded", false);
    this.#listeners.choose(null);
  }

  #open() {
    this.#button.setAttribute("aria-expanded", true);
    this.#choose(this.#sentence);
  }

  #step(by) {
    const at = this.#sentence === null && by < 0 ? 0 : this.#numbers.indexOf(this.#sentence);
    this.#choose(this.#numbers.at((at + by) % this.#numbers.length));
  }

  #choose(sentence) {
    this.#sentence = sentence;
    const hasChoice = this.#total > 1 && this.#numbers.length > 0;
    this.#which.hidden = !hasChoice;
    byId("sentence-number").textContent =
      sentence === null ? `All ${this.#total} sentences` : `Sentence ${sentence + 1} of ${this.#total}`;
    byId("sentence-none").setAttribute("aria-pressed", sentence === null);
    this.#panel.hidden = !hasChoice;
    this.#list.replaceChildren();
    this.#listeners.choose(sentence);
    this.#listeners.ask(sentence);
  }
}
