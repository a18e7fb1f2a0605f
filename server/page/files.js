// Files: chosen or dropped anywhere on the page, translated by the server, offered for download.
import { translateFile } from "./api.js";
import { AUTO } from "./languages.js";

const byId = (id) => document.getElementById(id);

export class Files {
  #formats = [];
  #languages;
  #run = null;

  constructor(languages) {
    this.#languages = languages;
    byId("choose").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", ({ target }) => {
      this.#take(target.files[0]);
      target.value = ""; // or the same file could not be chosen again
    });
    byId("file-close").addEventListener("click", () => this.#close());
    // Without both of these the browser would open a file that was dropped, and the text typed so far would be gone.
    addEventListener("dragover", (event) => this.#dragged(event));
    addEventListener("drop", (event) => this.#dropped(event));
    addEventListener("dragleave", (event) => event.relatedTarget || shade(false));
  }

  /** @param settings  as GET /frontend/settings tells them */
  load(settings) {
    this.#formats = settings.filesTranslation ? settings.supportedFilesFormat : [];
    byId("file").accept = this.#formats.join(",");
    byId("choose").hidden = !this.#formats.length;
    byId("choose").title = this.#formats.join(", ");
  }

  #dragged(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    shade(this.#formats.length > 0);
  }

  #dropped(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    shade(false);
    if (this.#formats.length) this.#take(event.dataTransfer.files[0]);
  }

  async #take(file) {
    if (!file) return;
    const { source, target } = this.#languages;
    const [, stem, suffix] = file.name.match(/^(.*?)(\.[^.]*)?$/s);
    if (!this.#formats.includes((suffix ?? "").toLowerCase())) {
      this.#show(`${file.name} is not a kind of file Ferry translates. It takes ${this.#formats.join(", ")}.`, "failed");
      return;
    }
    this.#run?.abort();
    const { signal } = (this.#run = new AbortController());
    this.#show(`Translating ${file.name}…`, "busy");
    try {
      const translated = await translateFile(file, source ?? AUTO, target, signal);
      if (!signal.aborted) this.#offer(translated, `${stem}.${target}${suffix}`);
    } catch (error) {
      if (!signal.aborted) this.#show(`${file.name}: ${error.message}`, "failed");
    }
  }

  #offer(blob, name) {
    this.#show(`${name} is ready.`, "ready");
    const link = byId("download");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.hidden = false;
    link.focus();
  }

  #show(text, state) {
    const link = byId("download");
    if (link.href) URL.revokeObjectURL(link.href);
    link.removeAttribute("href");
    link.hidden = true;
    byId("file-state").textContent = text;
    byId("file-card").dataset.state = state;
    byId("file-card").hidden = false;
    byId("status").textContent = text;
  }

  #close() {
    this.#run?.abort();
    this.#show("", "");
    byId("file-card").hidden = true;
    byId("source").focus();
  }
}

function shade(shown) {
  document.documentElement.classList.toggle("dragging", shown);
}
