// Glossaries: the one that translations have the terms of, and the dialog in which they are made and changed.
import { getJson, sendJson } from "./api.js";
import { byId, make, say } from "./dom.js";
import { languageName } from "./languages.js";
import { parseTerms, TermTable, writeTerms } from "./terms.js";

const PATH = "v3/glossaries";
const NEW = "new";
const UNSAVED = "What you changed is not saved. Close once more to lose it.";

export class Glossaries {
  #languages;
  #onChange;
  #all = []; // as the server tells them
  #chosen = null; // of these; null for none
  #isNew = false; // the editor has one that the server does not know yet
  #table = new TermTable(byId("glossary-terms"), () => this.#touch());

  /** @param {() => void} onChange  hears that translations may be others now */
  constructor(languages, onChange) {
    this.#languages = languages;
    this.#onChange = onChange;
    byId("glossaries").addEventListener("click", () => this.#open());
    byId("glossary-close").addEventListener("click", () => this.#mayClose() && byId("glossary-dialog").close());
    byId("glossary-dialog").addEventListener("cancel", (event) => this.#mayClose() || event.preventDefault());
    byId("glossary-dialog").addEventListener("close", () => this.#closed());
    byId("glossary").addEventListener("change", () => this.#do(() => this.#choose(byId("glossary").value)));
    byId("glossary-direction").addEventListener("change", () => this.#do(() => this.#showTerms()));
    byId("glossary-name").addEventListener("input", () => this.#touch());
    byId("glossary-save").addEventListener("click", () => this.#do(() => this.#save()));
    byId("glossary-discard").addEventListener("click", () => this.#do(() => this.#discard()));
    byId("glossary-delete").addEventListener("click", () => this.#do(() => this.#delete()));
    byId("glossary-export").addEventListener("click", () => this.#export());
    byId("glossary-import").addEventListener("click", () => byId("glossary-file").click());
    byId("glossary-file").addEventListener("change", () => this.#do(() => this.#import()));
  }

  get chosen() {
    return this.#chosen;
  }

  /** The chosen glossary's id, if it has terms of this direction; else null. */
  idFor(source, target) {
    const fits = this.#chosen?.dictionaries.some((each) => each.source_lang === source && each.target_lang === target);
    return fits ? this.#chosen.glossary_id : null;
  }

  #open() {
    byId("glossary-dialog").showModal();
    byId("glossary-direction").replaceChildren(); // the page may have another one now
    this.#do(async () => {
      await this.#load();
      await this.#choose(this.#chosen?.glossary_id ?? "");
    });
  }

  async #load() {
    this.#all = (await getJson(PATH)).glossaries;
    this.#chosen = this.#all.find((each) => each.glossary_id === this.#chosen?.glossary_id) ?? null;
    const options = this.#all.map((each) => new Option(each.name, each.glossary_id));
    byId("glossary").replaceChildren(new Option("No glossary", ""), ...options, new Option("New glossary…", NEW));
  }

  /** @param id  of a glossary, NEW, or nothing for none */
  async #choose(id) {
    this.#isNew = id === NEW;
    this.#chosen = this.#all.find((each) => each.glossary_id === id) ?? null;
    byId("glossary").value = id;
    byId("glossary-editor").hidden = !id;
    byId("glossary-delete").disabled = !this.#chosen;
    this.#showChosen();
    if (!id) {
      this.#table.terms = [];
      this.#touch(false);
      return;
    }
    byId("glossary-name").value = this.#chosen?.name ?? "";
    this.#fillDirections();
    await this.#showTerms();
    if (this.#isNew) byId("glossary-name").focus();
  }

  /** All directions, those with terms first; the page's own is chosen where there is nothing better. */
  #fillDirections() {
    const counts = new Map(this.#chosen?.dictionaries.map((each) => [`${each.source_lang} ${each.target_lang}`, each.entry_count]));
    const options = this.#languages.pairs.map(({ source, target }) => {
      const value = `${source} ${target}`;
      const count = counts.get(value);
      const name = `${languageName(source)} → ${languageName(target)}`;
      return { count, option: new Option(count ? `${name} (${count.toLocaleString("en")})` : name, value) };
    });
    options.sort((a, b) => Boolean(b.count) - Boolean(a.count));
    const menu = byId("glossary-direction");
    const former = menu.value;
    menu.replaceChildren(...options.map(({ option }) => option));
    const { source, target } = this.#languages;
    const wanted = [former, source && `${source} ${target}`, options.find(({ option }) => option.value.endsWith(` ${target}`))?.option.value];
    const fitting = wanted.filter((value) => value && [...menu.options].some((option) => option.value === value));
    menu.value = fitting.find((value) => counts.has(value)) ?? options.find(({ count }) => count)?.option.value ?? fitting[0] ?? menu.value;
  }

  get #direction() {
    const [source, target] = byId("glossary-direction").value.split(" ");
    return { source, target };
  }

  async #showTerms() {
    const { source, target } = this.#direction;
    this.#table.languages = [source, target];
    this.#table.terms = this.idFor(source, target) ? parseTerms((await this.#read(source, target)).entries) : [];
    this.#touch(false);
  }

  async #read(source, target) {
    const query = new URLSearchParams({ source_lang: source, target_lang: target });
    return (await getJson(`${PATH}/${this.#chosen.glossary_id}/entries?${query}`)).dictionaries[0];
  }

  async #save() {
    const { source, target } = this.#direction;
    const name = byId("glossary-name").value.trim();
    const direction = { source_lang: source, target_lang: target };
    const entries = writeTerms(this.#table.terms);
    const dictionary = { ...direction, entries, entries_format: "tsv" };
    let id = this.#chosen?.glossary_id;
    if (this.#isNew) {
      id = (await sendJson("POST", PATH, { name, dictionaries: [dictionary] })).glossary_id;
    } else {
      if (name !== this.#chosen.name) await sendJson("PATCH", `${PATH}/${id}`, { name });
      if (entries) await sendJson("PUT", `${PATH}/${id}/dictionaries`, dictionary);
      else if (this.idFor(source, target)) await sendJson("DELETE", `${PATH}/${id}/dictionaries?${new URLSearchParams(direction)}`);
    }
    await this.#load();
    await this.#choose(id);
    byId("glossary").focus(); // the button is of no use now
    say(`${name} is saved.`);
  }

  async #discard() {
    await this.#choose(this.#chosen?.glossary_id ?? "");
    byId("glossary").focus();
  }

  async #delete() {
    const button = byId("glossary-delete");
    if (!button.dataset.sure) {
      button.dataset.sure = true;
      button.textContent = "Really delete?";
      return;
    }
    const { name, glossary_id: id } = this.#chosen;
    await sendJson("DELETE", `${PATH}/${id}`);
    await this.#load();
    await this.#choose("");
    byId("glossary").focus();
    say(`${name} is deleted.`);
  }

  async #import() {
    const [file] = byId("glossary-file").files;
    byId("glossary-file").value = "";
    if (!file) return;
    const terms = new Map(this.#table.terms);
    const added = parseTerms(await file.text());
    for (const [source, target] of added) terms.set(source, target);
    this.#table.terms = [...terms];
    this.#touch();
    say(`${added.length} terms read.`);
  }

  #export() {
    const { source, target } = this.#direction;
    const link = make("a", {
      href: URL.createObjectURL(new Blob([`${writeTerms(this.#table.terms)}\n`], { type: "text/tab-separated-values" })),
      download: `${byId("glossary-name").value || "glossary"}.${source}-${target}.tsv`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** Something was changed, or nothing is any more: until it is saved or discarded, nothing else can be chosen. */
  #touch(isChanged = true) {
    for (const id of ["glossary-save", "glossary-discard"]) byId(id).disabled = !isChanged;
    for (const id of ["glossary", "glossary-direction"]) byId(id).disabled = isChanged;
    byId("glossary-export").disabled = !this.#table.terms.length;
    byId("glossary-delete").disabled = isChanged || !this.#chosen;
    byId("glossary-delete").textContent = "Delete";
    delete byId("glossary-delete").dataset.sure;
  }

  #showChosen() {
    byId("glossaries-label").textContent = this.#chosen ? `Glossary: ${this.#chosen.name}` : "Glossary";
  }

  /** Do `work`; what goes wrong is said in the dialog. */
  async #do(work) {
    const message = byId("glossary-message");
    try {
      await work();
      message.textContent = "";
    } catch (error) {
      message.textContent = error.message;
    }
    message.hidden = !message.textContent;
  }

  /** Whether nothing would be lost, or somebody was told already what would be. */
  #mayClose() {
    const isSaved = byId("glossary-save").disabled;
    const message = byId("glossary-message");
    if (isSaved || message.textContent === UNSAVED) return true;
    message.textContent = UNSAVED;
    message.hidden = false;
    return false;
  }

  #closed() {
    byId("glossary-message").textContent = "";
    byId("glossary-message").hidden = true;
    this.#touch(false);
    this.#onChange();
  }
}
