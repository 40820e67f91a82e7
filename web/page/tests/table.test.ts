import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsvReader } from '../src/csv';
import {
  columnNames,
  dataRows,
  encodingOf,
  guessTextColumn,
  kindOf,
  resultPieces,
  rowOf,
  TableBuilder,
  type Table,
  type TableKind,
} from '../src/table';

function tableOf(kind: TableKind, text: string, cut = 7): Table {
  const builder = new TableBuilder(kind, 'utf-8', false);
  for (let at = 0; at < text.length; at += cut) builder.push(text.slice(at, at + cut));
  return builder.end();
}
const written = (table: Table, results: Parameters<typeof resultPieces>[1]): string => [...resultPieces(table, results)].join('');

test('the kind is in the name', () => {
  assert.equal(kindOf('Reviews 2.CSV'), 'csv');
  assert.equal(kindOf('a.tsv'), 'tsv');
  assert.equal(kindOf('a.b.jsonl'), 'jsonl');
  assert.equal(kindOf('a.xlsx'), undefined);
  assert.equal(kindOf('csv'), undefined);
});

test('UTF-16 is known by its mark', () => {
  assert.equal(encodingOf(new Uint8Array([0xff, 0xfe, 0x41])), 'utf-16le');
  assert.equal(encodingOf(new Uint8Array([0xfe, 0xff])), 'utf-16be');
  assert.equal(encodingOf(new Uint8Array([0x41])), 'utf-8');
});

test('a table with names: the column is guessed by its name', () => {
  const table = tableOf('csv', 'id,Review,a very long column of other things\n1,good,"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"\n2,bad,yyyy\n');
  assert.ok(table.header);
  assert.equal(dataRows(table), 2);
  assert.equal(guessTextColumn(table), 1);
  assert.deepEqual(rowOf(table, 1), ['2', 'bad', 'yyyy']);
});

test('a table without: by the longest fields', () => {
  const table = tableOf('csv', '1,I really love this book and everything in it,5\n2,bad,1\n');
  assert.ok(!table.header);
  assert.equal(dataRows(table), 2);
  assert.equal(guessTextColumn(table), 1);
  assert.deepEqual(columnNames(table), ['column 1', 'column 2', 'column 3']);
});

test('a column of long numbers is no text', () => {
  assert.equal(guessTextColumn(tableOf('csv', 'a,b\n1234567890123456,good\n1234567890123456,bad\n')), 1);
});

test('semicolons, as some spreadsheets write, come out as semicolons', () => {
  const table = tableOf('csv', 'id;text\n1;a, b\n');
  assert.equal(table.delimiter, ';');
  assert.equal(written(table, [{ label: 'x', score: 0.25, truncated: false }]), 'id;text;label;score;truncated;error\r\n1;a, b;x;0.25;false;\r\n');
});

test('all columns stay, and names that are there already are not used twice', () => {
  const table = tableOf('csv', 'text,label,score\n"a ""b""",gold,1\nlong row,x,y,surplus\nshort\n');
  const rows: string[][] = [];
  const reader = new CsvReader({ delimiter: ',', quotes: true }, (row) => rows.push(row));
  reader.push(written(table, [{ label: '5 stars', score: 0.5, truncated: true }, { error: 'refused' }, undefined]));
  reader.end();
  assert.deepEqual(rows, [
    ['text', 'label', 'score', 'column 4', 'filbert_label', 'filbert_score', 'truncated', 'error'],
    ['a "b"', 'gold', '1', '', '5 stars', '0.5', 'true', ''],
    ['long row', 'x', 'y', 'surplus', '', '', '', 'refused'],
    ['short', '', '', '', '', '', '', 'not asked'],
  ]);
});

test('tabs, where a quote is a character', () => {
  const table = tableOf('tsv', 'id\ttext\n1\t"quoted" text\n');
  assert.deepEqual(rowOf(table, 0), ['1', '"quoted" text']);
});

test('objects of JSON, whose columns are all their names', () => {
  const table = tableOf('jsonl', '{"text":"a","stars":5}\r\n\n{"text":"b","more":{"x":[1]},"none":null}\nno json\n[1]\n{"text":"c"}');
  assert.deepEqual(columnNames(table), ['text', 'stars', 'more', 'none']);
  assert.equal(guessTextColumn(table), 0);
  assert.deepEqual(table.rows, [['a', '5'], ['b', '', '{"x":[1]}', ''], [], [], ['c']]);
  assert.deepEqual(
    [...table.problems],
    [
      [2, 'line 4: expected an object of JSON'],
      [3, 'line 5: expected an object of JSON'],
    ],
  );
});

test('names that objects have from birth are columns like others', () => {
  assert.deepEqual(columnNames(tableOf('jsonl', '{"__proto__":"a","constructor":"b","toString":"c"}')), ['__proto__', 'constructor', 'toString']);
});

test('a text a line', () => {
  const table = tableOf('txt', 'one, two\r\n\n  \n"three"\nfour');
  assert.deepEqual(table.rows, [['one, two'], ['"three"'], ['four']]);
  assert.deepEqual(columnNames(table), ['text']);
});

test('a file without a text is refused', () => {
  for (const kind of ['csv', 'tsv', 'jsonl', 'txt'] as const) assert.throws(() => tableOf(kind, '\n\n'), /expected at least one text, found none/);
});

test('a table of 100,000 rows is read and written in good time', () => {
  const line = '123456,"A review of some words, with a comma and a ""quote"" in it",5\r\n';
  const builder = new TableBuilder('csv', 'utf-8', false);
  const begin = Date.now();
  builder.push('id,text,stars\r\n');
  for (let at = 0; at < 1000; ++at) builder.push(line.repeat(100));
  const table = builder.end();
  let pieces = 0;
  let longest = 0;
  let last = Date.now();
  for (const piece of resultPieces(table, [])) {
    ++pieces;
    assert.ok(piece.length > 0);
    longest = Math.max(longest, Date.now() - last);
    last = Date.now();
  }
  assert.equal(dataRows(table), 100_000);
  assert.equal(pieces, 25);
  assert.ok(longest < 500, `${longest} ms for a piece`);
  assert.ok(Date.now() - begin < 10_000, `${Date.now() - begin} ms in all`);
});

test('what a decision adds has columns of its own', () => {
  const table = tableOf('csv', 'text,expected\na,1\nb,2\nc,3\n');
  const answer = { label: 'bad', score: 0.5, truncated: false };
  assert.equal(
    written(table, [{ ...answer, expected: 1.5, rejected: true }, { error: 'no' }]),
    'text,expected,label,score,filbert_expected,rejected,truncated,error\r\na,1,bad,0.5,1.5,true,false,\r\nb,2,,,,,,no\r\nc,3,,,,,,not asked\r\n',
  );
  assert.equal(written(table, [answer]).split('\r\n')[0], 'text,expected,label,score,truncated,error');
});
