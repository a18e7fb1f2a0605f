// The server's HTTP API: JSON in and out, one kind of error. Paths are relative, so that a prefix before them does no harm.
import { authorization } from "./key.js";

// Busy servers say in Retry-After when to come back; where they forget to, this many seconds.
const DEFAULT_RETRY_S = 2;
// Who looks at a page waits longer than a program in a hurry; the server has its own limit to this.
const WAIT_S = 60;
const JSON_HEADERS = { "Content-Type": "application/json" };

/** What the server answered instead of a translation, or that it did not answer. `retryS` is null where asking again is no use. */
export class ApiError extends Error {
  constructor(message, { status = 0, retryS = null } = {}) {
    super(message);
    this.status = status;
    this.retryS = retryS;
  }
}

export async function getJson(path) {
  return (await ask(path)).json();
}

/** @param {object} body  as in the server's documentation of POST /v1/... */
export async function postJson(path, body, signal) {
  return (await post(path, body, signal)).json();
}

/** The translation of one long text piece by piece, as the server gets done with them. */
export async function* streamPieces(body, signal) {
  const answer = await post("v1/translate", { ...body, stream: true }, signal);
  for await (const line of lines(answer.body)) {
    const told = JSON.parse(line);
    if (told.done) return;
    if (told.error) throw new ApiError(messageOf(told, 0));
    yield told.text;
  }
  throw new ApiError("The connection broke before the translation was complete.");
}

/** What the server calls a document from now on. @param {object} fields  as in its documentation of POST /v2/document */
export async function uploadDocument(file, fields, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return (await ask("v2/document", { method: "POST", body: form, signal })).json();
}

/** How far a document is. */
export function askAfterDocument({ document_id, document_key }, signal) {
  return postJson(`v2/document/${document_id}`, { document_key }, signal);
}

/** The translated document. The server keeps it for one fetch only. */
export async function fetchDocument({ document_id, document_key }, signal) {
  return (await post(`v2/document/${document_id}/result`, { document_key }, signal)).blob();
}

/** The server is to stop with a document and forget it. */
export function cancelDocument({ document_id, document_key }) {
  return ask(`v2/document/${document_id}?${new URLSearchParams({ document_key })}`, { method: "DELETE" });
}

/** Anything else with a body or without; null where the answer has none. */
export async function sendJson(method, path, body) {
  const sent = body && { headers: JSON_HEADERS, body: JSON.stringify(body) };
  const answer = await ask(path, { method, ...sent });
  return answer.status === 204 ? null : answer.json();
}

function post(path, body, signal) {
  return ask(path, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body), signal });
}

async function ask(path, options = {}) {
  const headers = { Accept: "application/json", Prefer: `wait=${WAIT_S}`, ...authorization(path), ...options.headers };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(navigator.onLine ? "Ferry cannot be reached." : "You are offline.", { retryS: 5 });
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  throw new ApiError(messageOf(told, answer.status), { status: answer.status, retryS: retryAfter(answer) });
}

/** What went wrong, in the server's words; each dialect has another place for them. */
function messageOf(told, status) {
  const error = told?.error ?? told;
  const message = typeof error === "string" ? error : error?.message;
  if (!message) return `The server answered with an error (${status}).`;
  return error.detail ? `${message}: ${error.detail}` : message;
}

function retryAfter(answer) {
  if (answer.status !== 503 && answer.status !== 429) return null;
  return Number(answer.headers.get("Retry-After")) || DEFAULT_RETRY_S;
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const found = (rest + value).split("\n");
    rest = found.pop();
    yield* found.filter(Boolean);
  }
  if (rest) yield rest;
}
