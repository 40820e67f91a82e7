import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundAgain, piecesOf } from '../src/pieces';

const entity = (start: number, end: number) => ({ entity_group: 'PER', score: 0.9, word: '', start, end });
const shown = (text: string, ...places: [number, number][]) =>
  piecesOf(
    text,
    places.map(([start, end]) => entity(start, end)),
  ).map(({ text: piece, entity: found }) => (found ? `[${piece}]` : piece));

test('a text without entities is one piece, and none without text', () => {
  assert.deepEqual(shown('moved on'), ['moved on']);
  assert.deepEqual(shown(''), []);
});

test('entities stand between what is around them, at both ends too', () => {
  assert.deepEqual(shown('Anna met Bob', [0, 4], [9, 12]), ['[Anna]', ' met ', '[Bob]']);
  assert.deepEqual(shown('AnnaBob', [0, 4], [4, 7]), ['[Anna]', '[Bob]']);
});

test('places are those of JavaScript', () => {
  assert.deepEqual(shown('🎉 Анна', [3, 7]), ['🎉 ', '[Анна]']);
});

test('what overlaps the mark before it has none of its own, nor has what is empty', () => {
  assert.deepEqual(shown('abcdef', [0, 3], [2, 4], [4, 4], [5, 6]), ['[abc]', 'de', '[f]']);
});

test('an entity is found again by its type and its words, the nearest to where it stood', () => {
  const text = 'Anna, Bob, Anna and Anna';
  const entities = [entity(0, 4), { ...entity(6, 9), entity_group: 'LOC' }, entity(11, 15), entity(20, 24)];
  assert.equal(foundAgain(entity(12, 16), 'Anna', text, entities), entities[2]);
  assert.equal(foundAgain(entity(90, 94), 'Anna', text, entities), entities[3]);
  assert.equal(foundAgain(entity(6, 9), 'Bob', text, entities), null);
  assert.equal(foundAgain(entity(0, 4), 'Anne', text, entities), null);
  const token = { entity: 'B-PER', score: 0.5, word: 'anna', start: 0, end: 4 };
  assert.equal(foundAgain(token, 'Anna', text, [entity(0, 4), token]), token);
});
