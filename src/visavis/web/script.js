// What the avatar says and when: each sentence as it is written, its words timed as they are heard.

const AHEAD = 4; // written words that a spoken one may pass over
const KEPT = 40; // sentences
const PAGE = 84; // letters that are shown at once: two lines

export class Script {
  constructor() {
    // {turn, sentence, tokens: [{text, start, page}], placed: a word's number → its token, cursor, end}
    this.sentences = [];
  }

  clear() {
    this.sentences = [];
  }

  /** Take a `spoken` event. */
  add({ turn, sentence, text, start, words, index }) {
    let line = this.sentences.find((each) => each.turn === turn && each.sentence === sentence);
    if (!line) {
      line = { turn, sentence, tokens: [], placed: new Map(), cursor: 0, end: start };
      this.sentences.push(line);
      if (this.sentences.length > KEPT) this.sentences.shift();
    }
    if (text && !line.tokens.length) line.tokens = tokens(text);
    words.forEach((word, i) => {
      line.end = Math.max(line.end, word.end);
      // an answer that goes on after a hold says a word again
      if (!line.placed.has(index + i)) line.placed.set(index + i, place(line, word));
    });
    paginate(line.tokens);
  }

  /** Nothing after `position` will be heard. */
  flush(position) {
    for (const line of this.sentences) {
      for (const token of line.tokens) if (token.start >= position) token.start = null;
      for (const [number, token] of line.placed) if (token.start === null) line.placed.delete(number);
      line.cursor = line.tokens.findLastIndex(({ start }) => start !== null) + 1;
      line.end = Math.min(line.end, position);
    }
  }

  /** What was heard of a turn until `position`. */
  heard(turn, position) {
    const said = this.sentences.filter((line) => line.turn === turn).flatMap(({ tokens }) => tokens);
    return said
      .filter(({ start }) => start !== null && start <= position)
      .map(({ text }) => text)
      .join(" ");
  }

  /** {key, tokens, count}: the words on show at `position` and how many of them were heard; null: none. */
  page(position, linger) {
    for (let i = this.sentences.length - 1; i >= 0; i -= 1) {
      const line = this.sentences[i];
      const last = line.tokens.findLastIndex(({ start }) => start !== null && start <= position);
      if (last < 0) continue;
      if (position > line.end + linger) return null;
      const { page } = line.tokens[last];
      const shown = line.tokens.filter((token) => token.page === page);
      const count = shown.filter(({ start }) => start !== null && start <= position).length;
      return { key: `${line.turn}:${line.sentence}:${page}`, tokens: shown.map(({ text }) => text), count };
    }
    return null;
  }
}

/** Written words; a lone dash goes with the word before it. */
function tokens(text) {
  const found = [];
  for (const part of text.split(/\s+/).filter(Boolean)) {
    if (found.length && !key(part)) found.at(-1).text += ` ${part}`;
    else found.push({ text: part, start: null, page: 0 });
  }
  return found;
}

/** A word without case and punctuation. */
function key(word) {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** The written word of a spoken one, timed. “42” is shown when “forty” is heard, and “two” adds nothing. */
function place(line, { text, start }) {
  for (let i = line.cursor; i < Math.min(line.cursor + AHEAD, line.tokens.length); i += 1) {
    if (key(line.tokens[i].text) !== key(text)) continue;
    for (let j = line.cursor; j <= i; j += 1) line.tokens[j].start ??= start;
    line.cursor = i + 1;
    return line.tokens[i];
  }
  if (line.cursor === line.tokens.length) {
    line.tokens.push({ text, start, page: 0 });
    line.cursor = line.tokens.length;
    return line.tokens.at(-1);
  }
  line.tokens[line.cursor].start ??= start;
  return line.tokens[line.cursor];
}

/** Cut a long sentence where it fits the screen: pages of about the same length. */
function paginate(all) {
  const length = all.reduce((sum, { text }) => sum + text.length + 1, 0);
  const each = length / Math.ceil(length / PAGE);
  let before = 0;
  for (const token of all) {
    token.page = Math.floor((before + token.text.length / 2) / each);
    before += token.text.length + 1;
  }
}
