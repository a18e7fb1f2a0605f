// The terms of one direction: as lines of TSV, and as a table in which they are changed.
import { make } from "./dom.js";
import { languageName } from "./languages.js";

// More rows than anybody reads make a page slow; the others are found by searching.
const MAX_ROWS = 200;

/** @returns {[string, string][]}  a term and its translation for each line that has both or one of them */
export function parseTerms(text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/).filter((line) => line.trim());
  return lines.map((line) => line.split("\t")).map(([source, target = ""]) => [source.trim(), target.trim()]);
}

export function writeTerms(terms) {
  return terms.map((term) => term.map((text) => text.replace(/\s+/g, " ").trim()).join("\t")).join("\n");
}

export class TermTable {
  #terms = [];
  #languages = ["", ""];
  #body;
  #head;
  #find;
  #note;
  #onChange;

  /** @param {HTMLElement} place  where the table is made */
  constructor(place, onChange) {
    this.#onChange = onChange;
    this.#find = make("input", { type: "search", "aria-label": "Find terms", placeholder: "Find terms" });
    this.#find.addEventListener("input", () => this.#show());
    this.#head = [make("th", { scope: "col" }), make("th", { scope: "col" })];
    const last = make("th", { scope: "col" }, make("span", { class: "hidden-visually" }, "Remove"));
    this.#body = make("tbody");
    this.#note = make("p", { class: "note" });
    const add = make("button", { type: "button", class: "quiet" }, "Add a term");
    add.addEventListener("click", () => this.#add());
    const head = make("thead", {}, make("tr", {}, ...this.#head, last));
    place.replaceChildren(this.#find, make("table", {}, head, this.#body), this.#note, add);
  }

  /** Those that have anything in them. */
  get terms() {
    return this.#terms.filter(([source, target]) => source.trim() || target.trim());
  }

  set terms(terms) {
    this.#terms = terms.map((term) => [...term]);
    this.#find.value = "";
    this.#show();
  }

  set languages(codes) {
    this.#languages = codes;
    this.#head.forEach((cell, side) => (cell.textContent = languageName(codes[side])));
  }

  #show() {
    const wanted = this.#find.value.trim().toLowerCase();
    const found = this.#terms.filter((term) => term.join("\t").toLowerCase().includes(wanted));
    this.#body.replaceChildren(...found.slice(0, MAX_ROWS).map((term) => this.#row(term)));
    const hidden = found.length - MAX_ROWS;
    this.#note.textContent = hidden > 0 ? `${hidden.toLocaleString("en")} more; find them by typing above.` : "";
    if (!found.length) this.#note.textContent = wanted ? "No term has that." : "There are no terms yet.";
    this.#find.hidden = this.#terms.length < 10;
  }

  #row(term) {
    const cells = term.map((text, side) => {
      const input = make("input", {
        type: "text",
        value: text,
        lang: this.#languages[side],
        dir: "auto",
        spellcheck: false,
        "aria-label": `Term in ${languageName(this.#languages[side])}`,
      });
      input.addEventListener("input", () => {
        term[side] = input.value;
        this.#onChange();
      });
      return make("td", {}, input);
    });
    const remove = make("button", { type: "button", class: "quiet round", "aria-label": `Remove ${term[0] || "the term"}` }, "×");
    remove.addEventListener("click", () => this.#remove(term));
    return make("tr", {}, ...cells, make("td", {}, remove));
  }

  #add() {
    const term = ["", ""];
    this.#terms.unshift(term); // where it is seen, however many there are
    this.#find.value = "";
    this.#show();
    this.#body.querySelector("input").focus();
    this.#onChange();
  }

  #remove(term) {
    const index = this.#terms.indexOf(term);
    this.#terms.splice(index, 1);
    const row = [...this.#body.rows].findIndex((each) => each.contains(document.activeElement));
    this.#show();
    (this.#body.rows[Math.min(row, this.#body.rows.length - 1)]?.querySelector("button") ?? this.#find.parentElement.querySelector("button")).focus();
    this.#onChange();
  }
}
