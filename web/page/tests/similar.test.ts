import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, stateOf, usualState, type SimilarState } from '../src/similar_state';

test('what is usual does not stand in the address', () => {
  assert.equal(addressOf(usualState()), '#similar');
  assert.deepEqual(stateOf('#similar'), { state: usualState(), text: null, pair: null });
});

test('an address has what was chosen, and gives it back', () => {
  const states: Partial<SimilarState>[] = [
    { token: 0 },
    { token: 3, layer: 0, by: 'context', heads: [0, 3], mask: 4, top: 0, special: false, way: 'in', order: 'next' },
    { order: 'previous', top: 100 },
    { order: 'label', heads: [11] },
  ];
  for (const each of states) {
    const state = { ...usualState(), ...each };
    for (const [text, pair] of [
      [null, null],
      ["it's & 100 % #1\n😀 =", null],
      ['a', 'b&token=9'],
    ] as const) {
      assert.deepEqual(stateOf(addressOf(state, text, pair)), { state, text, pair });
    }
  }
});

test('a text stands in no address unless it is asked for', () => {
  assert.equal(addressOf({ ...usualState(), token: 2 }), '#similar&token=2');
});

test('what makes no sense is left at its usual value', () => {
  for (const hash of ['', '#', '#other&token=1', '#similarly', '#token=1']) assert.equal(stateOf(hash), null);
  for (const part of ['token=-1', 'token=x', 'token=99999', 'top=101', 'by=magic', 'heads=1,x', 'heads=', 'way=constructor', 'order=__proto__', 'text=%E0%A4', 'x', '=1', '']) {
    assert.deepEqual(stateOf('#similar&' + part), { state: usualState(), text: null, pair: null }, part);
  }
  assert.deepEqual(stateOf('#similar&heads=3,0,3')?.state.heads, [0, 3]);
});
