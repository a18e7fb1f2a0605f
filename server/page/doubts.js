// The warnings that sentences carry: where such a sentence is, and why not to trust it.

const SYMPTOMS = {
  empty: "nothing was translated",
  loop: "it repeats itself",
  too_long: "it is oddly long",
  too_short: "it is oddly short",
  copied: "it was left as it is",
  untranslated: "some words were left as they are",
  numbers: "numbers differ",
  names: "a name is misspelled",
};

/**
 * @param segments  as the server tells them: the sentences of `text` in order
 * @returns {{span: [number, number], why: string[]}[]}  spans in UTF-16 units
 */
export function findDoubts(text, segments) {
  const doubts = [];
  let at = 0;
  for (const segment of segments) {
    const start = text.indexOf(segment.target, at);
    if (start < 0) continue;
    at = start + segment.target.length;
    const why = segment.warnings.map((warning) => SYMPTOMS[warning] ?? warning);
    if (!segment.complete) why.push("its end is missing");
    if (why.length) doubts.push({ span: [start, at], why });
  }
  return doubts;
}

export function describeDoubts(doubts) {
  if (!doubts.length) return "";
  const reasons = [...new Set(doubts.flatMap((doubt) => doubt.why))].join(", ");
  const which = doubts.length === 1 ? "The underlined sentence" : `${doubts.length} underlined sentences`;
  return `${which} may be wrong: ${reasons}.`;
}
