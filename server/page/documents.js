// Documents: chosen or dropped anywhere on the page, translated by the server one after another, offered for download.
import { ApiError, askAfterDocument, cancelDocument, fetchDocument, uploadDocument } from "./api.js";
import { byId, make, say } from "./dom.js";

// A short document is done at once, of a long one nobody wants to know each second.
const POLLS_MS = [300, 700, 1000, 2000];
const LONGEST_RETRY_S = 60;

export class Documents {
  #formats = []; // ends of names, as the server tells them
  #order;
  #sent = Promise.resolve(); // the uploads so far; they go one by one

  /** @param {() => object} order  the languages and the glossary that a document is to be translated with, as they are now */
  constructor(order) {
    this.#order = order;
    byId("choose").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", ({ target }) => {
      this.#take(target.files);
      target.value = ""; // or the same file could not be chosen again
    });
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
    if (this.#formats.length) this.#take(event.dataTransfer.files);
  }

  #take(files) {
    const order = this.#order();
    for (const file of files) {
      const row = new Row(file, order, (work) => this.#inTurn(work));
      byId("documents").append(row.element);
      const [suffix] = file.name.match(/\.[^.]*$/) ?? [""];
      if (this.#formats.includes(suffix.toLowerCase())) row.start();
      else row.refuse(`Not a kind of file that Ferry translates; it takes ${this.#formats.join(", ")}.`);
    }
    byId("documents").hidden = false;
  }

  #inTurn(work) {
    const result = this.#sent.then(work);
    this.#sent = result.catch(() => {});
    return result;
  }
}

/** One document, from its upload to its download. */
class Row {
  #file;
  #order;
  #inTurn;
  #run = new AbortController();
  #handle = null; // what the server calls it, as long as it has it
  #state = make("p", { class: "state" });
  #progress = make("progress", { max: 1 });
  #download = make("a", { class: "button", hidden: true }, "Download");
  #cancel = make("button", { type: "button", class: "quiet" }, "Cancel");
  #again = make("button", { type: "button", class: "quiet", hidden: true }, "Try again");
  #remove = make("button", { type: "button", class: "quiet", hidden: true }, "Remove");

  /** @param {(work: () => Promise) => Promise} inTurn  does `work` when those before it are done */
  constructor(file, order, inTurn) {
    this.#file = file;
    this.#order = order;
    this.#inTurn = inTurn;
    const name = make("p", { class: "name" }, file.name);
    const text = make("div", { class: "document" }, name, this.#state, this.#progress);
    const buttons = [this.#download, this.#cancel, this.#again, this.#remove];
    for (const button of buttons) button.setAttribute("aria-label", `${button.textContent} ${file.name}`);
    this.#progress.setAttribute("aria-label", `Progress of ${file.name}`);
    this.element = make("li", { class: "card" }, text, make("div", { class: "together" }, ...buttons));
    this.#cancel.addEventListener("click", () => this.#stop());
    this.#again.addEventListener("click", () => this.start());
    this.#remove.addEventListener("click", () => this.#goAway());
  }

  async start() {
    const { signal } = (this.#run = new AbortController());
    this.#show("busy", "Waiting to be sent");
    try {
      const handle = (this.#handle = await this.#inTurn(() => this.#send(signal)));
      await this.#wait(handle, signal);
      const translated = await fetchDocument(handle, signal);
      this.#handle = null;
      if (!signal.aborted) this.#offer(translated);
    } catch (error) {
      if (!signal.aborted) this.#fail(error.message);
    }
  }

  /** Say why it is not even sent. */
  refuse(why) {
    this.#fail(why);
    this.#again.hidden = true;
  }

  async #send(signal) {
    signal.throwIfAborted();
    this.#show("busy", "Being sent");
    // One that was not answered may have been taken nevertheless, so only what was refused is sent again.
    const isBusy = (error) => error.retryS !== null && error.status > 0;
    return this.#patiently(() => uploadDocument(this.#file, this.#order.fields, signal), isBusy, signal);
  }

  async #wait(handle, signal) {
    let begun = 0;
    for (let poll = 0; ; poll++) {
      await sleep(POLLS_MS[Math.min(poll, POLLS_MS.length - 1)], signal);
      const ask = () => askAfterDocument(handle, signal);
      const told = await this.#patiently(ask, (error) => error.retryS !== null, signal);
      if (told.status === "done") return;
      if (told.status === "error") throw new ApiError(told.error_message ?? "It could not be translated.");
      if (told.status === "translating") begun ||= performance.now();
      this.#showProgress(told, (performance.now() - begun) / 1000);
    }
  }

  /** Do `work` until it succeeds, as long as its errors may pass. */
  async #patiently(work, mayPass, signal) {
    for (let failures = 0; ; failures++) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError) || !mayPass(error)) throw error;
        this.#show("busy", `${error.message} It is tried again.`);
        await sleep(Math.min(error.retryS * 2 ** failures, LONGEST_RETRY_S) * 1000, signal);
      }
    }
  }

  #showProgress({ status, seconds_remaining: left }, elapsedS) {
    const known = left !== undefined;
    this.#show("busy", status === "queued" ? "Waiting for its turn" : `Being translated${known ? `, ${describe(left)} left` : ""}`);
    if (known) this.#progress.value = Math.max(this.#progress.value, elapsedS / Math.max(elapsedS + left, 0.001));
  }

  #offer(blob) {
    const [, stem, suffix] = this.#file.name.match(/^(.*?)(\.[^.]*)?$/s);
    const name = `${stem}.${this.#order.target}${suffix ?? ""}`;
    this.#show("ready", `${name} is ready.${this.#order.note}`);
    say(`${name} is ready.`);
    this.#download.href = URL.createObjectURL(blob);
    this.#download.download = name;
  }

  #fail(why) {
    this.#show("failed", why);
    say(`${this.#file.name}: ${why}`);
  }

  #stop() {
    this.#run.abort();
    // Where the server does not hear of it, it forgets the document by itself in the end.
    if (this.#handle) cancelDocument(this.#handle).catch(() => {});
    this.#handle = null;
    this.#show("cancelled", "Cancelled");
    say(`${this.#file.name}: cancelled`);
  }

  #show(state, text) {
    const had = this.element.contains(document.activeElement) && document.activeElement;
    if (state !== "busy" || this.element.dataset.state !== "busy") this.#progress.removeAttribute("value");
    this.element.dataset.state = state;
    this.#state.textContent = text;
    const isBusy = state === "busy";
    this.#progress.hidden = this.#cancel.hidden = !isBusy;
    this.#remove.hidden = isBusy;
    this.#again.hidden = isBusy || state === "ready";
    this.#download.hidden = state !== "ready";
    if (had && had.hidden) [this.#download, this.#again, this.#cancel].find((button) => !button.hidden).focus();
  }

  #goAway() {
    if (this.#download.href) URL.revokeObjectURL(this.#download.href);
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    this.element.remove();
    byId("documents").hidden = !next;
    (next?.querySelector("a:not([hidden]), button:not([hidden])") ?? byId("choose")).focus();
  }
}

function describe(seconds) {
  return seconds < 60 ? `about ${seconds} s` : `about ${Math.ceil(seconds / 60)} min`;
}

function sleep(delayMs, signal) {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      failed(signal.reason);
    });
  });
}

function shade(shown) {
  document.documentElement.classList.toggle("dragging", shown);
}
