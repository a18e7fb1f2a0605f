// A menu that can be typed into: hundreds of options are a list that gets shorter with each letter. The roles and keys are
// those of the combobox pattern of the ARIA Authoring Practices Guide, with a list that filters.
import { make, say } from "./dom.js";

const bare = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** How well an option fits what is typed: by its beginning, by that of a word in it, or by anything; Infinity if not. */
function rank({ words }, wanted) {
  if (words.some((word) => word.startsWith(wanted))) return 0;
  if (words.some((word) => word.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(wanted)))) return 1;
  // Not all scripts tell words apart; two letters of one that does are in too many names.
  const isTelling = wanted.length > 2 || /\P{ASCII}/u.test(wanted);
  return isTelling && words.some((word) => word.includes(wanted)) ? 2 : Infinity;
}

export class Combobox {
  #input;
  #list;
  #onChoose;
  #options = []; // {value, text, words: what it is found by}
  #value = "";
  #shown = []; // the options in the open list, in order
  #active = -1; // which of them the keys are on

  /**
   * @param {HTMLInputElement} input  with the role combobox
   * @param {HTMLElement} list  with the role listbox
   * @param {() => void} onChoose  hears of what somebody chooses here, not of what a program sets
   */
  constructor(input, list, onChoose) {
    this.#input = input;
    this.#list = list;
    this.#onChoose = onChoose;
    input.addEventListener("input", () => this.#open(input.value));
    input.addEventListener("click", () => (this.#isOpen ? this.#close() : this.#open()));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the field
    list.addEventListener("click", (event) => {
      const index = [...list.children].indexOf(event.target.closest("[role=option]"));
      if (index in this.#shown) this.#pick(index);
    });
  }

  /** @param {{value: string, text: string, others?: string[]}[]} options  `others` are names it is found by as well */
  set options(options) {
    this.#options = options.map(({ value, text, others = [] }) => ({ value, text, words: [text, value, ...others].map(bare) }));
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    this.#value = value;
    this.#close();
  }

  /** Call the option `value` something else for now. */
  rename(value, text) {
    const option = this.#find(value);
    if (option) option.text = text;
    if (value === this.#value && !this.#isOpen) this.#input.value = text;
  }

  get #isOpen() {
    return !this.#list.hidden;
  }

  #find(value) {
    return this.#options.find((option) => option.value === value);
  }

  #open(typed = "") {
    const wanted = bare(typed.trim());
    const ranked = this.#options.map((option) => [rank(option, wanted), option]).filter(([found]) => found < Infinity);
    this.#shown = ranked.sort(([a], [b]) => a - b).map(([, option]) => option);
    const rows = this.#shown.map((option, index) =>
      make("li", { role: "option", id: `${this.#list.id}-${index}`, "aria-selected": option.value === this.#value }, option.text),
    );
    const none = make("li", { role: "option", "aria-disabled": true, "aria-selected": false }, "There is no such language.");
    this.#list.replaceChildren(...(rows.length ? rows : [none]));
    this.#list.hidden = false;
    this.#input.setAttribute("aria-expanded", true);
    this.#move(wanted ? 0 : Math.max(this.#shown.findIndex((option) => option.value === this.#value), 0));
    const row = this.#list.children[this.#active];
    this.#list.scrollTop = row.offsetTop - (this.#list.clientHeight - row.offsetHeight) / 2;
    say(wanted ? `${rows.length} of ${this.#options.length}` : "");
  }

  #close() {
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.#shown = [];
    this.#input.setAttribute("aria-expanded", false);
    this.#input.removeAttribute("aria-activedescendant");
    this.#input.value = this.#find(this.#value)?.text ?? "";
  }

  #move(index) {
    this.#list.children[this.#active]?.classList.remove("active");
    this.#active = index;
    const row = this.#shown.length ? this.#list.children[index] : null;
    if (!row) {
      this.#input.removeAttribute("aria-activedescendant");
      return;
    }
    row.classList.add("active");
    row.scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", row.id);
  }

  #pick(index) {
    const { value } = this.#shown[index];
    const isNew = value !== this.#value;
    this.value = value;
    this.#input.select();
    if (isNew) this.#onChoose();
  }

  #pressed(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    const count = this.#shown.length;
    const steps = {
      ArrowDown: (this.#active + 1) % count,
      ArrowUp: (this.#active - 1 + count) % count,
      PageDown: Math.min(this.#active + 10, count - 1),
      PageUp: Math.max(this.#active - 10, 0),
    };
    if (!this.#isOpen) {
      if (!["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
      this.#open();
    } else if (event.key in steps) {
      if (count) this.#move(event.altKey ? this.#active : steps[event.key]);
    } else if (event.key === "Enter") {
      if (count) this.#pick(this.#active);
    } else if (event.key === "Escape") {
      this.#close();
      this.#input.select();
    } else {
      if (event.key === "Tab" && count) this.#pick(this.#active); // and on to the next
      return;
    }
    event.preventDefault();
  }
}
