// A text in pieces, as its entities cut it, and an entity found again in a text that has changed. Tested by tests/entities.test.ts.
import type { Entity } from './server';

// The pieces of a text: what is an entity, and what stands between. Places are UTF-16, as JavaScript counts.
export interface Piece {
  text: string;
  entity: Entity | null;
}
export function piecesOf(text: string, entities: Entity[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const entity of entities) {
    if (entity.start < at || entity.end <= entity.start) continue; // tokens that share a character: one mark is enough
    if (entity.start > at) pieces.push({ text: text.slice(at, entity.start), entity: null });
    pieces.push({ text: text.slice(entity.start, entity.end), entity });
    at = entity.end;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), entity: null });
  return pieces;
}

export const typeOf = (entity: Entity): string => entity.entity_group ?? entity.entity ?? '';

// Of the entities of a text the one of this type that stands on these words, the nearest to where it stood.
export function foundAgain(entity: Entity, words: string, text: string, entities: Entity[]): Entity | null {
  const same = entities.filter((each) => typeOf(each) === typeOf(entity) && text.slice(each.start, each.end) === words);
  const away = (each: Entity): number => Math.abs(each.start - entity.start);
  return same.sort((a, b) => away(a) - away(b))[0] ?? null;
}
