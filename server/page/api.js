// The server's HTTP API: JSON in and out, one kind of error. Paths are relative, so that a prefix before them does no harm.

// Busy servers say in Retry-After when to come back; where they forget to, this many seconds.
const DEFAULT_RETRY_S = 2;
// Who looks at a page waits longer than a program in a hurry; the server has its own limit to this.
const WAIT_S = 60;

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

/** The translated file. The server keeps it for one fetch only, so it is fetched at once. */
export async function translateFile(file, source, target, signal) {
  const form = new FormData();
  form.append("source", source);
  form.append("target", target);
  form.append("file", file);
  const answer = await ask("translate_file", { method: "POST", body: form, signal });
  const name = (await answer.json()).translatedFileUrl.split("/").at(-1);
  return (await ask(`download_file/${name}`, { signal })).blob();
}

function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function ask(path, options = {}) {
  const headers = { Accept: "application/json", Prefer: `wait=${WAIT_S}`, ...options.headers };
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

function messageOf(told, status) {
  const error = told?.error;
  return (typeof error === "string" ? error : error?.message) ?? `The server answered with an error (${status}).`;
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
