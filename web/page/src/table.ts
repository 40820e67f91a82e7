// A file that was dropped or chosen, as rows of fields: .csv, .tsv, .jsonl, or .txt with a text a line. It is read as a stream, so that the page
// answers meanwhile; what was read stays in memory and goes nowhere but to the server that is asked.
import { CsvReader, csvRow, guessDelimiter } from './csv';
import type { RowResult } from './job';

export type TableKind = 'csv' | 'tsv' | 'jsonl' | 'txt';

export interface Table {
  kind: TableKind;
  names: string[]; // of the columns; of a .csv or .tsv only if its first row is none (see `header`)
  rows: string[][]; // the first row of a .csv or .tsv included
  header: boolean; // whether that row is names
  delimiter: string;
  byteOrderMark: boolean; // a program that wants one gets it back
  encoding: string;
  problems: Map<number, string>; // by row: why it is not asked about
}

export const mostFileBytes = 256 * 1024 * 1024;
const kinds: Record<string, TableKind> = { csv: 'csv', tsv: 'tsv', tab: 'tsv', jsonl: 'jsonl', ndjson: 'jsonl', txt: 'txt', text: 'txt' };

export function kindOf(name: string): TableKind | undefined {
  return kinds[/\.([a-z]+)$/.exec(name.toLowerCase())?.[1] ?? ''];
}

// By its byte order mark.
export function encodingOf(start: Uint8Array): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

// Takes the text of a file in pieces and fills a table. `end` throws what is wrong with the whole.
export class TableBuilder {
  readonly table: Table;
  private csv: CsvReader | null = null;
  private start = '';
  private rest = '';
  private line = 0;
  private readonly places = new Map<string, number>(); // of the names of .jsonl

  constructor(kind: TableKind, encoding: string, byteOrderMark: boolean) {
    const delimiter = kind === 'tsv' ? '\t' : ',';
    this.table = { kind, names: [], rows: [], header: false, delimiter, byteOrderMark, encoding, problems: new Map() };
    if (kind === 'txt') this.table.names = ['text'];
  }

  push(piece: string): void {
    if (this.table.kind === 'jsonl' || this.table.kind === 'txt') return this.lines(piece);
    if (this.csv) return this.csv.push(piece);
    // Which delimiter, the first line says.
    this.start += piece;
    if (this.start.includes('\n') || this.start.length > 65536) this.begin();
  }

  end(): Table {
    const { table } = this;
    if (table.kind === 'jsonl' || table.kind === 'txt') {
      if (this.rest !== '') this.lineIs(this.rest);
    } else {
      if (!this.csv) this.begin();
      this.csv?.end();
      table.header = looksLikeNames(table.rows);
    }
    if (table.rows.length === 0) throw new Error('expected at least one text, found none');
    return table;
  }

  private begin(): void {
    const { table } = this;
    if (table.kind === 'csv') table.delimiter = guessDelimiter(this.start);
    this.csv = new CsvReader({ delimiter: table.delimiter, quotes: table.kind === 'csv' }, (fields) => {
      if (fields.length > 1 || fields[0] !== '') table.rows.push(fields); // a blank line is no row
    });
    this.csv.push(this.start);
    this.start = '';
  }

  private lines(piece: string): void {
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.lineIs(line);
  }

  private lineIs(line: string): void {
    ++this.line;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text.trim() === '') return;
    if (this.table.kind === 'txt') this.table.rows.push([text]);
    else this.objectIs(text);
  }

  private objectIs(text: string): void {
    const { names, rows, problems } = this.table;
    const row: string[] = [];
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      problems.set(rows.length, `line ${this.line}: expected an object of JSON`);
      rows.push(row);
      return;
    }
    for (const [name, field] of Object.entries(value)) {
      let at = this.places.get(name);
      if (at === undefined) {
        at = names.length;
        names.push(name);
        this.places.set(name, at);
      }
      row[at] = typeof field === 'string' ? field : field === null ? '' : JSON.stringify(field);
    }
    rows.push(Array.from(row, (field) => field ?? ''));
  }
}

// What is most often called a text, the best first.
const textNames = ['text', 'sentence', 'review', 'content', 'body', 'comment', 'message', 'tweet', 'document', 'utterance', 'description', 'title'];
const isNumber = (text: string) => /^\s*[-+]?[\d.,]+\s*%?$/.test(text);

// A first row of names is short, has no empty field and no number, and no name twice.
function looksLikeNames(rows: string[][]): boolean {
  const first = rows[0];
  if (!first) return false;
  if (first.some((field) => textNames.includes(field.trim().toLowerCase()))) return true;
  return (
    rows.length > 1 &&
    first.every((field) => field.trim() !== '' && field.length <= 40 && !isNumber(field)) &&
    new Set(first).size === first.length &&
    rows.slice(1, 50).some((row) => row.some((field) => field.length > 40 || isNumber(field)))
  );
}

export const dataRows = (table: Table): number => table.rows.length - (table.header ? 1 : 0);
export const rowOf = (table: Table, at: number): string[] => table.rows[at + (table.header ? 1 : 0)] ?? [];

export function columnNames(table: Table): string[] {
  if (table.names.length > 0) return table.names;
  const first = table.rows[0] ?? [];
  let width = first.length;
  for (const row of table.rows) width = Math.max(width, row.length);
  return Array.from({ length: width }, (_, at) => (table.header && first[at] !== undefined ? first[at] : `column ${at + 1}`));
}

// By its name, else the one with the longest fields.
export function guessTextColumn(table: Table): number {
  const names = columnNames(table).map((name) => name.trim().toLowerCase());
  if (table.header || table.kind === 'jsonl') {
    for (const wanted of textNames) if (names.includes(wanted)) return names.indexOf(wanted);
  }
  const lengths = names.map((_, column) => {
    let sum = 0;
    for (let at = 0; at < Math.min(200, dataRows(table)); ++at) {
      const field = rowOf(table, at)[column] ?? '';
      if (!isNumber(field)) sum += field.length;
    }
    return sum;
  });
  return lengths.indexOf(Math.max(...lengths));
}

// The added columns; a name that the file has already gets "filbert_" in front.
// What a decision adds is there where a result has it.
export function addedNames(names: string[], results: (RowResult | undefined)[]): string[] {
  const has = (name: 'expected' | 'rejected'): boolean => results.some((result) => result && !('error' in result) && result[name] !== undefined);
  const added = ['label', 'score', ...(has('expected') ? ['expected'] : []), ...(has('rejected') ? ['rejected'] : []), 'truncated', 'error'];
  return added.map((name) => (names.includes(name) ? `filbert_${name}` : name));
}

// The fields of these columns.
export function addedFields(result: RowResult | undefined, added: string[]): string[] {
  const problem = !result ? 'not asked' : 'error' in result ? result.error : '';
  if (!result || 'error' in result) return [...added.slice(1).map(() => ''), problem];
  const fields: Record<string, unknown> = { ...result, error: '' };
  return added.map((name) => String(fields[name.replace(/^filbert_/, '')] ?? ''));
}

// The table with what was answered, as CSV in pieces of some thousand rows. Every column stays, and so does the order.
export function* resultPieces(table: Table, results: (RowResult | undefined)[]): Generator<string> {
  const names = columnNames(table);
  const delimiter = table.delimiter === ';' ? ';' : ',';
  const added = addedNames(names, results);
  let piece = (table.byteOrderMark ? '\ufeff' : '') + csvRow([...names, ...added], delimiter);
  for (let at = 0; at < dataRows(table); ++at) {
    const fields = names.map((_, column) => rowOf(table, at)[column] ?? '');
    piece += csvRow([...fields, ...addedFields(results[at], added)], delimiter);
    if (at % 4096 === 4095) {
      yield piece;
      piece = '';
    }
  }
  yield piece;
}
