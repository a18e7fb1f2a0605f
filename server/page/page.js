// The page: what is typed on the left is translated on the right. The parts are in the other modules.
import { Alternatives } from "./alternatives.js";
import { ApiError, getJson, postJson, streamPieces } from "./api.js";
import { describeDoubts, findDoubts } from "./doubts.js";
import { Files } from "./files.js";
import { AUTO, Languages } from "./languages.js";
import { Links, Pane, countCharacters } from "./pane.js";

const DEBOUNCE_MS = 250;
// A longer text is shown sentence by sentence as it gets done; its words and warnings are not told then.
const STREAMED_LENGTH = 2000;
const DETECTED_LENGTH = 2000;
// What is found at least this surely to be in the target language is translated into another one.
const SURE = 0.8;
const NUM_ALTERNATIVES = 2;
const BROKEN_RETRY_S = 5;
const LONGEST_RETRY_S = 60;
const COPIED_MS = 1500;

const byId = (id) => document.getElementById(id);

const source = new Pane(byId("source"), byId("source-mirror"), (index) => links.point(source, index));
const target = new Pane(byId("target"), byId("target-mirror"), (index) => links.point(target, index));
const links = new Links(source, target);
const languages = new Languages(byId("source-language"), byId("target-language"), () => translate());
const files = new Files(languages);
const alternatives = new Alternatives(askAlternatives, (text) => {
  showTranslation(text);
  say("Alternative taken");
});

let loaded = false;
let limit = Infinity; // characters
let detected = null; // the language found in the text, while the menu says to find it
let run = new AbortController(); // of what is under way
let timer = 0; // of the next attempt
let failures = 0; // in a row

// Translation

/** Translate what is on the left, now. */
async function translate() {
  cancel();
  if (!loaded) {
    start();
    return;
  }
  const { text } = source;
  if (!text.trim()) {
    setDetected(null);
    showTranslation("");
    showMessage("");
    say("");
    return;
  }
  const over = countCharacters(text) - limit;
  if (over > 0) {
    showMessage(`The text is ${over.toLocaleString("en")} ${over === 1 ? "character" : "characters"} too long.`);
    return;
  }
  say("Translating…");
  await attempt(translate, (signal) => (text.length > STREAMED_LENGTH ? translateLong : translateShort)(text, signal));
}

async function translateShort(text, signal) {
  const body = { text, target: languages.target, alignments: true, segments: true };
  if (languages.source) body.source = languages.source;
  const [found] = (await postJson("v1/translate", body, signal)).translations;
  const confidence = found.detected_confidence;
  if (turnAway({ language: found.source, confidence })) {
    await translateShort(text, signal);
    return;
  }
  signal.throwIfAborted();
  setDetected(languages.source ? null : found.source, confidence);
  showTranslation(found.text);
  const doubts = findDoubts(found.text, found.segments);
  const spans = doubts.map((doubt) => doubt.span);
  links.show(found.alignments, spans);
  byId("doubt").textContent = describeDoubts(doubts);
  byId("doubt").hidden = !doubts.length;
  say("Translation ready");
}

async function translateLong(text, signal) {
  let from = languages.source;
  if (!from) {
    const found = await detect(text, signal);
    turnAway(found);
    from = languages.has(found.language, languages.target) ? found.language : languages.anySource();
    setDetected(from, from === found.language ? found.confidence : 0);
  }
  let told = "";
  for await (const piece of streamPieces({ text, source: from, target: languages.target }, signal)) {
    signal.throwIfAborted();
    if (!told) showTranslation(piece);
    target.text = told += piece;
  }
  say("Translation ready");
}

async function detect(text, signal) {
  const beginning = text.slice(0, DETECTED_LENGTH).toWellFormed();
  return (await postJson("v1/detect", { text: beginning }, signal)).detections[0];
}

/** A text that is in the target language already is translated into another one; whether that was so. */
function turnAway({ language, confidence }) {
  return language === languages.target && confidence >= SURE && languages.turnAwayFrom(language);
}

async function askAlternatives() {
  const { text } = source;
  const body = { text, source: languages.source ?? detected ?? AUTO, target: languages.target };
  await attempt(askAlternatives, async (signal) => {
    const [found] = (
      await postJson("v1/translate", { ...body, num_alternatives: NUM_ALTERNATIVES }, signal)
    ).translations;
    signal.throwIfAborted();
    const texts = [found.text, ...found.alternatives.map((alternative) => alternative.text)];
    alternatives.show([...new Set(texts)], target.text, body.target);
    say("Alternatives ready");
  });
}

// Attempts and failures

/** Do `work` until `cancel` ends it; what goes wrong is shown, and tried again where that may help. */
async function attempt(again, work) {
  const { signal } = run;
  setBusy(true);
  try {
    await work(signal);
    failures = 0;
    showMessage("");
  } catch (error) {
    if (!signal.aborted) fail(error, again);
  } finally {
    if (!signal.aborted) setBusy(false);
  }
}

/** Stop what is under way and what would come: the text or the languages have changed. */
function cancel() {
  clearTimeout(timer);
  run.abort();
  run = new AbortController();
  setBusy(false);
}

function fail(error, again) {
  // What is no error of the API's broke while the answer was on its way.
  const told = error instanceof ApiError ? error : new ApiError("The connection broke.", { retryS: BROKEN_RETRY_S });
  showMessage(told.message, again);
  say("");
  clearTimeout(timer);
  if (told.retryS === null) return;
  const seconds = Math.min(told.retryS * 2 ** failures++, LONGEST_RETRY_S);
  timer = setTimeout(again, seconds * 1000);
}

/** @param again  what the button "Try again" does; without it there is no button */
function showMessage(text, again = null) {
  if (byId("message-text").textContent !== text) byId("message-text").textContent = text;
  byId("message").hidden = !text;
  byId("retry").hidden = !again;
  byId("retry").onclick = () => {
    failures = 0;
    byId("source").focus(); // the button is about to go
    again();
  };
}

// What is shown

function showTranslation(text) {
  target.text = text;
  source.language = languages.source ?? detected;
  target.language = languages.target;
  links.clear();
  alternatives.close();
  byId("doubt").hidden = true;
  for (const id of ["copy", "more"]) byId(id).disabled = !text;
  byId("swap").disabled = !languages.swapped(detected);
}

function setDetected(code, confidence) {
  detected = code;
  languages.showDetected(code, confidence);
}

function setBusy(busy) {
  byId("target-pane").classList.toggle("busy", busy);
  byId("target").setAttribute("aria-busy", busy);
}

/** To those who listen instead of looking. */
function say(text) {
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

function showCount() {
  const count = countCharacters(source.text);
  byId("count").textContent = loaded ? `${count.toLocaleString("en")} / ${limit.toLocaleString("en")}` : "";
  byId("count").classList.toggle("over", count > limit);
  byId("source").setAttribute("aria-invalid", count > limit);
  byId("clear").disabled = !count;
}

// Keys and buttons

function typed() {
  cancel();
  links.clear();
  alternatives.close();
  failures = 0;
  showCount();
  if (source.text.trim()) timer = setTimeout(translate, DEBOUNCE_MS);
  else translate();
}

function swap() {
  const { text } = target;
  languages.choose(languages.swapped(detected));
  if (text) source.text = text;
  showCount();
  translate();
}

/** The text goes as if it were deleted by hand: the browser's own undo brings it back. */
function clearText() {
  byId("source").focus();
  byId("source").select();
  if (document.execCommand("delete")) return; // which tells `typed`
  source.text = "";
  typed();
}

async function copy() {
  try {
    await navigator.clipboard.writeText(target.text);
  } catch {
    // Browsers give the clipboard only to pages over HTTPS, but a selection can be copied.
    byId("target").select();
    document.execCommand("copy");
  }
  byId("copy-label").textContent = "Copied";
  say("Copied");
  setTimeout(() => (byId("copy-label").textContent = "Copy"), COPIED_MS);
}

byId("source").addEventListener("input", typed);
byId("source").addEventListener("keydown", (event) => {
  if (event.isComposing) return; // the keys are the input method's then
  if (event.key === "Escape" && source.text) clearText();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    translate();
  }
});
byId("clear").addEventListener("click", clearText);
byId("swap").addEventListener("click", swap);
byId("copy").addEventListener("click", copy);
addEventListener("offline", () => showMessage("You are offline. Ferry goes on when the network is back."));
addEventListener("online", () => translate());

// Start

async function start() {
  clearTimeout(timer);
  try {
    await load();
  } catch (error) {
    fail(error, start);
    return;
  }
  translate();
}

async function load() {
  const [{ models }, settings] = await Promise.all([getJson("v1/models"), getJson("frontend/settings")]);
  languages.load(models.flatMap((model) => model.pairs));
  files.load(settings);
  limit = settings.charLimit;
  loaded = true;
  showCount();
}

start();
