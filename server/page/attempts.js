// What the page is about to do, is doing, or tries again, one thing at a time; and what is said when it does not succeed.
import { ApiError } from "./api.js";
import { byId, say } from "./dom.js";

const BROKEN_RETRY_S = 5;
const LONGEST_RETRY_S = 60;

export class Attempts {
  #run = new AbortController(); // of what is under way
  #timer = 0; // of the next attempt
  #failures = 0; // in a row

  /** Do `work` until `cancel` ends it; what goes wrong is shown, and `again` tries once more where that may help. */
  async make(again, work) {
    const { signal } = this.#run;
    setBusy(true);
    try {
      await work(signal);
      this.forgive();
      showMessage("");
    } catch (error) {
      if (!signal.aborted) this.fail(error, again);
    } finally {
      if (!signal.aborted) setBusy(false);
    }
  }

  /** Do `work` after so long, unless something else comes first. */
  later(work, delayMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, delayMs);
  }

  /** Stop what is under way and what would come: the text or the languages have changed. */
  cancel() {
    clearTimeout(this.#timer);
    this.#run.abort();
    this.#run = new AbortController();
    setBusy(false);
  }

  fail(error, again) {
    // What is no error of the API's broke while the answer was on its way.
    const told = error instanceof ApiError ? error : new ApiError("The connection broke.", { retryS: BROKEN_RETRY_S });
    showMessage(told.message, () => {
      this.forgive();
      byId("source").focus(); // the button is about to go
      again();
    });
    say("");
    clearTimeout(this.#timer);
    if (told.retryS === null) return;
    this.later(again, Math.min(told.retryS * 2 ** this.#failures++, LONGEST_RETRY_S) * 1000);
  }

  /** The next failure is the first again. */
  forgive() {
    this.#failures = 0;
  }
}

/** @param again  what the button "Try again" does; without it there is no button */
export function showMessage(text, again = null) {
  if (byId("message-text").textContent !== text) byId("message-text").textContent = text;
  byId("message").hidden = !text;
  byId("retry").hidden = !again;
  byId("retry").onclick = again;
}

function setBusy(busy) {
  byId("target-pane").classList.toggle("busy", busy);
  byId("target").setAttribute("aria-busy", busy);
}
