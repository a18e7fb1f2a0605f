// The page: what is typed on the left is translated on the right. The parts are in the other modules.
import { Alternatives } from "./alternatives.js";
import { getJson, postJson, streamPieces } from "./api.js";
import { Attempts, showMessage } from "./attempts.js";
import { Documents } from "./documents.js";
import { byId, say } from "./dom.js";
import { Glossaries } from "./glossaries.js";
import { askForKey } from "./key.js";
import { AUTO, Languages } from "./languages.js";
import { Links, Pane, countCharacters } from "./pane.js";
import { describeDoubts, describeMarks, findSentences, moveLinks } from "./sentences.js";

const DEBOUNCE_MS = 250;
// A longer text is shown sentence by sentence as it gets done; its words and warnings are not told then.
const STREAMED_LENGTH = 2000;
const DETECTED_LENGTH = 2000;
// What is found at least this surely to be in the target language is translated into another one.
const SURE = 0.8;
const NUM_ALTERNATIVES = { text: 2, sentence: 3 };
const COPIED_MS = 1500;

const source = paneOf("source");
const target = paneOf("target");
const links = new Links(source, target);
const attempts = new Attempts();
const languages = new Languages(() => translate());
const glossaries = new Glossaries(languages, () => translate());
const documents = new Documents(orderOfDocuments);
const alternatives = new Alternatives({ ask: askAlternatives, choose: chooseSentence, pick: takeAlternative });

let loaded = false;
let limit = Infinity; // characters
let detected = null; // the language found in the text, while the menu says to find it
let told = null; // what the server tells of the translation that is shown: {alignments, segments}
let sentences = []; // of both texts, as `findSentences` finds them

function paneOf(name) {
  const light = (index) => links.point(name === "source" ? source : target, index);
  return new Pane(byId(name), byId(`${name}-mirror`), light, (index) => alternatives.point(index));
}

// Translation

/** Translate what is on the left, now. */
async function translate() {
  attempts.cancel();
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
  // With a glossary only the whole of a text can be put together.
  const isLong = text.length > STREAMED_LENGTH && !glossaries.chosen;
  await attempts.make(translate, (signal) => (isLong ? translateLong : translateShort)(text, signal));
}

async function translateShort(text, signal) {
  const { from, confidence } = await findSource(text, signal);
  const body = { text, ...direction(from), alignments: true, segments: true, marks: true };
  const [found] = (await postJson("v1/translate", body, signal)).translations;
  const surely = found.detected_confidence ?? confidence;
  if (turnAway({ language: found.source, confidence: surely })) {
    await translateShort(text, signal);
    return;
  }
  signal.throwIfAborted();
  setDetected(languages.source ? null : found.source, surely);
  showTranslation(found.text);
  told = { alignments: found.alignments, segments: found.segments };
  showSentences();
  alternatives.offer(sentences.map((sentence) => sentence.target !== null));
  showNote("marks", describeMarks(found.num_marks));
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
  let soFar = "";
  for await (const piece of streamPieces({ text, source: from, target: languages.target }, signal)) {
    signal.throwIfAborted();
    if (!soFar) showTranslation(piece);
    target.text = soFar += piece;
  }
  say("Translation ready");
}

async function detect(text, signal) {
  const beginning = text.slice(0, DETECTED_LENGTH).toWellFormed();
  return (await postJson("v1/detect", { text: beginning }, signal)).detections[0];
}

/** The source language, if it is chosen, or has to be known for the glossary and surely is; else it is the server's to find. */
async function findSource(text, signal) {
  if (languages.source || !glossaries.chosen) return { from: languages.source };
  const { language, confidence } = await detect(text, signal);
  turnAway({ language, confidence });
  const fits = confidence >= SURE && glossaries.idFor(language, languages.target);
  return fits ? { from: language, confidence } : { from: null };
}

/** What a request says of languages and glossary. */
function direction(from) {
  const glossary = glossaries.idFor(from, languages.target);
  return {
    source: from ?? AUTO,
    target: languages.target,
    ...(glossary && { glossary_ids: [glossary] }),
  };
}

/** A text that is in the target language already is translated into another one; whether that was so. */
function turnAway({ language, confidence }) {
  return language === languages.target && confidence >= SURE && languages.turnAwayFrom(language);
}

/** What documents are translated with. Their language is found by the server, which then knows no terms for it. */
function orderOfDocuments() {
  const { source: from, target: to } = languages;
  const glossary = glossaries.idFor(from, to);
  const fields = { target_lang: to, ...(from && { source_lang: from }), ...(glossary && { glossary_id: glossary }) };
  const isWithout = glossaries.chosen && !glossary;
  const why = from ? "it has no terms of this direction" : "choose the language of the document to have it";
  return { fields, target: to, note: isWithout ? ` It is without the glossary: ${why}.` : "" };
}

// Alternatives

/** @param sentence  its number; null for the whole text */
async function askAlternatives(sentence) {
  attempts.cancel();
  const text = sentence === null ? source.text : told.segments[sentence].source;
  const shown = sentence === null ? target.text : told.segments[sentence].target;
  const asked = direction(languages.source ?? detected);
  const number = sentence === null ? NUM_ALTERNATIVES.text : NUM_ALTERNATIVES.sentence;
  const again = () => askAlternatives(sentence);
  await attempts.make(again, async (signal) => {
    const [found] = (await postJson("v1/translate", { text, ...asked, num_alternatives: number }, signal)).translations;
    signal.throwIfAborted();
    const texts = [found.text, ...found.alternatives.map((alternative) => alternative.text), shown];
    alternatives.show([...new Set(texts)], shown, asked.target);
    say("Alternatives ready");
  });
}

function takeAlternative(text, sentence) {
  if (sentence === null) {
    target.text = text;
    told = null;
    sentences = [];
    links.clear();
    showNote("doubt", "");
  } else {
    exchangeSentence(sentence, text);
  }
  say("Alternative taken");
}

/** Put `text` in the place of a sentence of the translation; the others stay as they are. */
function exchangeSentence(number, text) {
  const whole = target.text;
  const [start, end] = sentences[number].target;
  const before = countCharacters(whole.slice(0, start));
  const former = countCharacters(whole.slice(start, end));
  const alignments = moveLinks(told.alignments, [before, before + former], countCharacters(text) - former);
  const segments = told.segments.with(number, { ...told.segments[number], target: text, warnings: [], complete: true });
  told = { alignments, segments };
  target.text = whole.slice(0, start) + text + whole.slice(end);
  showSentences();
  chooseSentence(number);
}

function chooseSentence(number) {
  for (const pane of [source, target]) pane.choose(number);
}

// What is shown

function showTranslation(text) {
  target.text = text;
  source.language = languages.source ?? detected;
  target.language = languages.target;
  told = null;
  sentences = [];
  links.clear();
  alternatives.offer([]);
  for (const note of ["doubt", "marks"]) showNote(note, "");
  for (const id of ["copy", "more"]) byId(id).disabled = !text;
  byId("swap").disabled = !languages.swapped(detected);
}

/** Mark words and sentences of both texts, and say which sentences not to trust. */
function showSentences() {
  sentences = findSentences(source.text, target.text, told.segments);
  links.show(told.alignments, sentences);
  showNote("doubt", describeDoubts(sentences));
}

function showNote(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

function setDetected(code, confidence) {
  detected = code;
  languages.showDetected(code, confidence);
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
  attempts.cancel();
  attempts.forgive();
  told = null;
  links.clear();
  alternatives.offer([]);
  showCount();
  if (source.text.trim()) attempts.later(translate, DEBOUNCE_MS);
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
  attempts.cancel();
  try {
    await load();
  } catch (error) {
    attempts.fail(error, start);
    return;
  }
  translate();
}

async function load() {
  const [{ models }, settings] = await Promise.all([getJson("v1/models"), getJson("frontend/settings")]);
  languages.load(models.flatMap((model) => model.pairs));
  documents.load(settings);
  if (settings.keyRequired && !loaded) askForKey(() => translate());
  limit = settings.charLimit;
  loaded = true;
  showCount();
}

start();
