// The line that asks the same from a terminal.

// A word that a POSIX shell takes as it is: within single quotes nothing means anything but the quote itself.
export function shellQuoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// JSON whose characters all show: what is invisible, or no character, stands as an escape.
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function curlLine(url: string, body: unknown, needsKey: boolean): string {
  const words = ['curl', shellQuoted(url), '-H', shellQuoted('Content-Type: application/json')];
  // The key itself is not shown: the line may be pasted anywhere.
  if (needsKey) words.push('-H', '"Authorization: Bearer $FILBERT_API_KEY"');
  words.push('--data', shellQuoted(visibleJson(body)));
  return words.join(' ');
}
