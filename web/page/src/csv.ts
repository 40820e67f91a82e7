// Tables of text: rows of fields with commas, or another character, between (RFC 4180), read piece by piece. The rules are those of the command
// (src/base/csv.h): "\n" or "\r\n" ends a row, the last may end without; a quote that is not closed and something behind one that is are errors
// that begin with their line; the width of rows is the reader's business who asked.

export class CsvError extends Error {}

export interface CsvDialect {
  delimiter: string; // one character
  quotes: boolean; // a field may stand in double quotes; false: a quote is a character like others, as in .tsv
}

const enum At {
  field,
  plain,
  quoted,
  behindQuote,
}

export class CsvReader {
  private state: At = At.field;
  private row: string[] = [];
  private field = '';
  private pendingReturn = false; // "\r" was the last of a piece: whether it ends the row, the next piece says
  private line = 1;
  private opened = 0; // the line of the quote that is open
  private readonly plainEnd: RegExp;

  constructor(
    private readonly dialect: CsvDialect,
    private readonly onRow: (fields: string[]) => void,
  ) {
    const escaped = dialect.delimiter.replace(/[\\\]^-]/g, '\\$&');
    this.plainEnd = new RegExp(`[${escaped}\r\n]`, 'g');
  }

  // The next piece of the file; throws CsvError.
  push(piece: string): void {
    let at = 0;
    if (this.pendingReturn && piece !== '') {
      this.pendingReturn = false;
      if (piece[0] === '\n') {
        at = 1;
        this.endRow();
      } else if (this.state === At.behindQuote) {
        throw this.behind('\r');
      } else {
        this.field += '\r';
        this.state = At.plain;
      }
    }
    while (at < piece.length) at = this.state === At.quoted ? this.quoted(piece, at) : this.outside(piece, at);
  }

  // The end of the file.
  end(): void {
    if (this.state === At.quoted) {
      throw new CsvError(`line ${this.opened}: expected a second quote to close a field, found the end of the file`);
    }
    this.pendingReturn = false;
    if (this.state !== At.field || this.row.length > 0) this.endRow();
  }

  // Up to the closing quote, or the end of the piece.
  private quoted(piece: string, from: number): number {
    const close = piece.indexOf('"', from);
    const end = close < 0 ? piece.length : close;
    const text = piece.slice(from, end);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) ++this.line;
    this.field += text;
    if (close < 0) return piece.length;
    this.state = At.behindQuote;
    return close + 1;
  }

  private outside(piece: string, from: number): number {
    const c = piece[from];
    if (this.dialect.quotes && c === '"' && (this.state === At.field || this.state === At.behindQuote)) {
      if (this.state === At.behindQuote) this.field += '"';
      else this.opened = this.line;
      this.state = At.quoted;
      return from + 1;
    }
    this.plainEnd.lastIndex = from;
    const end = this.plainEnd.exec(piece)?.index ?? piece.length;
    if (end > from) {
      if (this.state === At.behindQuote) throw this.behind(c);
      this.field += piece.slice(from, end);
      this.state = At.plain;
      return end;
    }
    return this.separator(piece, from);
  }

  private separator(piece: string, from: number): number {
    const c = piece[from];
    if (c === '\n') {
      this.endRow();
      return from + 1;
    }
    if (c === this.dialect.delimiter) {
      this.row.push(this.field);
      this.field = '';
      this.state = At.field;
      return from + 1;
    }
    if (from + 1 === piece.length) {
      this.pendingReturn = true;
      return from + 1;
    }
    if (piece[from + 1] === '\n') {
      this.endRow();
      return from + 2;
    }
    if (this.state === At.behindQuote) throw this.behind(c);
    this.field += '\r';
    this.state = At.plain;
    return from + 1;
  }

  private endRow(): void {
    this.row.push(this.field);
    const fields = this.row;
    this.row = [];
    this.field = '';
    this.state = At.field;
    ++this.line;
    this.onRow(fields);
  }

  private behind(c: string | undefined): CsvError {
    return new CsvError(`line ${this.line}: expected a delimiter or the end of the row behind a closing quote, found ${JSON.stringify(c ?? '')}`);
  }
}

// Which of the usual ones stands most often in the first line, outside of quotes; a comma if none does.
export function guessDelimiter(start: string): string {
  const counts = new Map([
    [',', 0],
    [';', 0],
    ['\t', 0],
  ]);
  let inQuotes = false;
  for (const c of start) {
    if (c === '"') inQuotes = !inQuotes;
    else if (!inQuotes && c === '\n') break;
    else if (!inQuotes && counts.has(c)) counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  const [best, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  return count > 0 ? best : ',';
}

// A row as RFC 4180 has it, with its line end.
export function csvRow(fields: readonly string[], delimiter: string): string {
  const alone = fields.length === 1 && fields[0] === ''; // a blank line would be no row to other readers
  const written = fields.map((field) => (alone || /["\r\n]/.test(field) || field.includes(delimiter) ? `"${field.replaceAll('"', '""')}"` : field));
  return written.join(delimiter) + '\r\n';
}
