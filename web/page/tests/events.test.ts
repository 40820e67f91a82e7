import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser } from '../src/events';

test('events come with their names and data, however they are cut', () => {
  const text = ': hello\n\nevent: progress\ndata: {"a":1}\n\nevent:result\r\ndata: one\r\ndata:two\r\n\r\ndata: x\n\nevent: none\n\n';
  const expected = [
    { event: 'progress', data: '{"a":1}' },
    { event: 'result', data: 'one\ntwo' },
    { event: 'message', data: 'x' },
  ];
  assert.deepEqual(new EventParser().push(text), expected);
  for (let at = 0; at <= text.length; ++at) {
    const parser = new EventParser();
    assert.deepEqual([...parser.push(text.slice(0, at)), ...parser.push(text.slice(at))], expected, `cut at ${at}`);
  }
});

test('an event that is not ended is none', () => assert.deepEqual(new EventParser().push('event: result\ndata: {"ha'), []));
