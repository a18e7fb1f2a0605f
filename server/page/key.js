// The API key of whoever uses the page, where the server asks for one: kept in this tab until it is closed, sent to
// nobody but the server, shown to nobody.
import { byId } from "./dom.js";

const KEY = "ferry.key";

let key = "";
try {
  key = sessionStorage.getItem(KEY) ?? "";
} catch {
  // Storage may be forbidden; then the key lasts as long as the page.
}

/** The header that goes with a request, in the way of the dialect that has its path. */
export function authorization(path) {
  if (!key) return {};
  return { Authorization: `${/^v[23]\//.test(path) ? "DeepL-Auth-Key" : "Bearer"} ${key}` };
}

/** Ask for a key on the page. @param {() => void} onKey  hears of a new one */
export function askForKey(onKey) {
  byId("key-card").hidden = false;
  byId("key").value = key;
  byId("key-card").addEventListener("submit", (event) => {
    event.preventDefault();
    key = byId("key").value.replace(/[^\x21-\x7e]/g, ""); // nothing else can be in a header
    try {
      sessionStorage.setItem(KEY, key);
    } catch {
      // As above.
    }
    onKey();
  });
}
