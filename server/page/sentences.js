// The sentences of a text and of its translation: where they are, and which of them not to trust, and why.

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
 * @param segments  as the server tells them: the sentences of both texts, in order
 * @returns {{source: number[] | null, target: number[] | null, doubts: string[]}[]}  one for each segment; where it begins
 *   and ends in UTF-16 units, null where it does not stand there as told
 */
export function findSentences(source, target, segments) {
  const inSource = finder(source);
  const inTarget = finder(target);
  return segments.map((segment) => ({
    source: inSource(segment.source),
    target: inTarget(segment.target),
    doubts: doubtsOf(segment),
  }));
}

function finder(text) {
  let at = 0;
  return (sentence) => {
    const start = sentence ? text.indexOf(sentence, at) : -1;
    if (start < 0) return null;
    at = start + sentence.length;
    return [start, at];
  };
}

function doubtsOf({ warnings, complete }) {
  const why = warnings.map((warning) => SYMPTOMS[warning] ?? warning);
  return complete ? why : [...why, "its end is missing"];
}

export function describeDoubts(sentences) {
  const doubtful = sentences.filter((sentence) => sentence.target && sentence.doubts.length);
  if (!doubtful.length) return "";
  const reasons = [...new Set(doubtful.flatMap((sentence) => sentence.doubts))].join(", ");
  const which = doubtful.length === 1 ? "The underlined sentence" : `${doubtful.length} underlined sentences`;
  return `${which} may be wrong: ${reasons}.`;
}

/** How many tags, placeholders and the like stayed as they are. */
export function describeMarks(count) {
  if (!count) return "";
  return count === 1 ? "1 mark kept as it is." : `${count.toLocaleString("en")} marks kept as they are.`;
}

/** Links between words after one sentence of the translation has become another: its own are gone, those behind it move. */
export function moveLinks(alignments, [start, end], difference) {
  return alignments
    .filter(({ target }) => target[1] <= start || target[0] >= end)
    .map((link) => (link.target[0] < end ? link : { ...link, target: link.target.map((at) => at + difference) }));
}
