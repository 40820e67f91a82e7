import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsvReader, csvRow, guessDelimiter } from '../src/csv';

function read(pieces: string[], delimiter = ',', quotes = true): string[][] {
  const rows: string[][] = [];
  const reader = new CsvReader({ delimiter, quotes }, (fields) => rows.push(fields));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return rows;
}

const cases: [name: string, text: string, rows: string[][]][] = [
  [
    'rows and fields',
    'a,b\nc,d\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'the last row without a line end',
    'a,b\nc,d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'carriage returns',
    'a,b\r\nc,d\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['a carriage return alone belongs to its field', 'a\rb,c\n', [['a\rb', 'c']]],
  ['a carriage return at the end ends the row', 'a,b\r', [['a', 'b']]],
  [
    'quotes around delimiters and line ends',
    '"a,b","c\r\nd"\ne,f\n',
    [
      ['a,b', 'c\r\nd'],
      ['e', 'f'],
    ],
  ],
  ['quotes in quotes', '"a ""b"" c",""""\n', [['a "b" c', '"']]],
  ['a quote within a plain field is a character', 'a "b" c,d"\n', [['a "b" c', 'd"']]],
  [
    'empty fields',
    ',\n"",x\n',
    [
      ['', ''],
      ['', 'x'],
    ],
  ],
  ['a delimiter at the very end', 'a,', [['a', '']]],
  ['a blank line is a row of one empty field', 'a\n\nb\n', [['a'], [''], ['b']]],
  ['nothing', '', []],
  ['spaces stay', ' a , b \n', [[' a ', ' b ']]],
  ['characters of several units', '"😀,é",中\n', [['😀,é', '中']]],
  ['an empty field in quotes at the end', 'a,""', [['a', '']]],
];

for (const [name, text, rows] of cases) {
  test(name, () => assert.deepEqual(read([text]), rows));
  test(`${name}, a character at a time`, () =>
    assert.deepEqual(read([...text].flatMap((c) => (c.length === 1 ? [c] : [c[0] ?? '', c[1] ?? '']))), rows));
}

test('every cut in two gives the same', () => {
  const text = 'id,"te""xt"\r\n1,"two\nlines, ""and"" more"\r\n2,plain\r\n3,""\r\n';
  const whole = read([text]);
  for (let at = 0; at <= text.length; ++at) assert.deepEqual(read([text.slice(0, at), text.slice(at)]), whole, `cut at ${at}`);
});

test('a quote that is not closed is named with its line', () => {
  assert.throws(() => read(['a,b\n"c,d\ne,f\n']), /^Error: line 2: expected a second quote to close a field, found the end of the file$/);
  assert.throws(() => read(['"a\nb"\n"c']), /line 3: /);
});

test('something behind a closing quote is refused', () => {
  assert.throws(() => read(['a,b\n"c" ,d\n']), /line 2: expected a delimiter or the end of the row behind a closing quote, found " "/);
  assert.throws(() => read(['"c"\rd\n']), /line 1: .*"\\r"/);
  assert.throws(() => read(['"c"\r', 'd\n']), /line 1: .*"\\r"/);
});

test('in tables with tabs a quote is a character like others', () => {
  assert.deepEqual(read(['a\t"b\n"c"\td\n'], '\t', false), [
    ['a', '"b'],
    ['"c"', 'd'],
  ]);
});

test('what is written is read again', () => {
  const rows = [['a', 'b,c', 'd"e', 'f\ng', '', ' h '], [''], ['\r', '=1+1', '"', '""', ';', '\t']];
  assert.deepEqual(read([rows.map((row) => csvRow(row, ',')).join('')]), rows);
  assert.deepEqual(read([rows.map((row) => csvRow(row, ';')).join('')], ';'), rows);
});

test('a random table survives writing, cutting and reading', () => {
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const alphabet = ['a', '"', ',', '\n', '\r', '\r\n', ' ', '😀', ''];
  for (let round = 0; round < 300; ++round) {
    const rows = Array.from({ length: 1 + random(5) }, () =>
      Array.from({ length: 1 + random(4) }, () => Array.from({ length: random(6) }, () => alphabet[random(alphabet.length)]).join('')),
    );
    const text = rows.map((row) => csvRow(row, ',')).join('');
    const cut = random(text.length + 1);
    assert.deepEqual(read([text.slice(0, cut), text.slice(cut)]), rows, JSON.stringify(text));
  }
});

test('the delimiter is that of the first line, outside of quotes', () => {
  assert.equal(guessDelimiter('a;b;c\n1,5;2,5;3,5\n'), ';');
  assert.equal(guessDelimiter('"a;b;c",d\n'), ',');
  assert.equal(guessDelimiter('text\none, two\n'), ',');
  assert.equal(guessDelimiter('a\tb\n'), '\t');
});
