// Other translations of the same text, in a list under the first one; what is picked takes its place.

const byId = (id) => document.getElementById(id);

export class Alternatives {
  #button = byId("more");
  #list = byId("alternatives");
  #onPick;

  /**
   * @param {() => void} onOpen  is to call `show`, or `close` if there is nothing to show
   * @param {(text: string) => void} onPick
   */
  constructor(onOpen, onPick) {
    this.#onPick = onPick;
    this.#button.addEventListener("click", () => {
      if (this.#isOpen) {
        this.close();
        return;
      }
      this.#button.setAttribute("aria-expanded", true);
      onOpen();
    });
    this.#list.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.close();
      this.#button.focus();
    });
  }

  get #isOpen() {
    return this.#button.getAttribute("aria-expanded") === "true";
  }

  /** @param {string[]} texts  all translations; `shown` is the one that stands above the list */
  show(texts, shown, language) {
    if (!this.#isOpen) return; // closed while they were on their way
    const others = texts.filter((text) => text !== shown);
    const buttons = others.map((text) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: text, lang: language, dir: "auto" });
      button.addEventListener("click", () => {
        this.#onPick(text);
        this.#button.setAttribute("aria-expanded", true);
        this.show(texts, text, language);
        this.#list.querySelector("button").focus();
      });
      return button;
    });
    const none = document.createElement("p");
    none.textContent = "There are no others.";
    this.#list.replaceChildren(...(buttons.length ? buttons : [none]));
    this.#list.hidden = false;
  }

  close() {
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", false);
  }
}
