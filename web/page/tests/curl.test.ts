import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { curlLine, shellQuoted, visibleJson } from '../src/curl';
import { classifyBody } from '../src/sentence';

const texts = [
  'plain',
  "it's",
  "''",
  '"double" $HOME `id` $(id) \\ \\n',
  'line\nend\r\n\ttab',
  '!history !!',
  '-rf',
  '@file',
  '',
  ' ',
  'a;b|c&d>e<f*g?[h]{i}~#',
  '😀 é 中 ‮ \u00a0',
];

test('a shell gives every word back as it was', () => {
  for (const text of texts) {
    const found = execFileSync('sh', ['-c', `printf %s ${shellQuoted(text)}`], { encoding: 'utf8' });
    assert.equal(found, text, JSON.stringify(text));
  }
});

test('a shell that runs the line calls curl with the words that are meant', () => {
  for (const text of texts) {
    const body = classifyBody({ model: 'org/it’s "a" model', text, pair: text });
    const script = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\nFILBERT_API_KEY='s3 cret'\n${curlLine('http://h/v1/classify', body, true)}`;
    const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
    assert.deepEqual(words.slice(0, 5), ['http://h/v1/classify', '-H', 'Content-Type: application/json', '-H', 'Authorization: Bearer s3 cret']);
    assert.equal(words[5], '--data');
    assert.deepEqual(JSON.parse(words[6] ?? ''), body);
  }
});

test('without a key none is mentioned', () => assert.ok(!curlLine('http://h/', {}, false).includes('Authorization')));

test('what nobody sees stands as an escape', () => {
  assert.equal(visibleJson('a\u202eb\u0000\u200bc'), '"a\\u202eb\\u0000\\u200bc"');
  assert.equal(JSON.parse(visibleJson('\ufeff\u2028')), '\ufeff\u2028');
});
