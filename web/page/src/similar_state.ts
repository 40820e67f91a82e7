// What is chosen in the tab of nearest contexts, and how it stands in the address: "#similar&token=3&layer=5&heads=0,3". The text stands there only
// in a link that was asked for. Tested by tests/similar.test.ts.

export type Way = 'out' | 'in';
export type Order = 'like' | 'label' | 'previous' | 'next';

export interface SimilarState {
  token: number | null; // in the row, special tokens counted
  layer: number | null; // absent: the index's last
  by: 'embedding' | 'context';
  heads: number[] | null; // absent: all
  mask: number | null;
  top: number; // percent of attention that is shown
  special: boolean; // whether special tokens count
  way: Way;
  order: Order;
}

const name = 'similar';

export const usualState = (): SimilarState => ({
  token: null,
  layer: null,
  by: 'embedding',
  heads: null,
  mask: null,
  top: 70,
  special: true,
  way: 'out',
  order: 'like',
});

// What differs from the usual, behind the name.
export function addressOf(state: SimilarState, text: string | null = null, pair: string | null = null): string {
  const parts = [name];
  if (state.token !== null) parts.push(`token=${state.token}`);
  if (state.layer !== null) parts.push(`layer=${state.layer}`);
  if (state.by !== 'embedding') parts.push(`by=${state.by}`);
  if (state.heads !== null) parts.push(`heads=${state.heads.join(',')}`);
  if (state.mask !== null) parts.push(`mask=${state.mask}`);
  if (state.top !== 70) parts.push(`top=${state.top}`);
  if (!state.special) parts.push('special=0');
  if (state.way !== 'out') parts.push(`way=${state.way}`);
  if (state.order !== 'like') parts.push(`order=${state.order}`);
  if (text !== null) parts.push(`text=${encodeURIComponent(text)}`);
  if (pair !== null) parts.push(`pair=${encodeURIComponent(pair)}`);
  return '#' + parts.join('&');
}

const whole = (text: string, most = 9999): number | null => (/^\d{1,4}$/.test(text) && Number(text) <= most ? Number(text) : null);
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // half an escape
  }
}

// Of another tab's address nothing. What makes no sense is left at its usual value.
export function stateOf(hash: string): { state: SimilarState; text: string | null; pair: string | null } | null {
  const [first, ...parts] = hash.replace(/^#/, '').split('&');
  if (first !== name) return null;
  const found = { state: usualState(), text: null as string | null, pair: null as string | null };
  const { state } = found;
  for (const part of parts) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(at, 0));
    const value = part.slice(at + 1);
    if (key === 'token' || key === 'layer' || key === 'mask') state[key] = whole(value);
    if (key === 'top') state.top = whole(value, 100) ?? state.top;
    if (key === 'by' && value === 'context') state.by = value;
    if (key === 'special') state.special = value !== '0';
    if (key === 'way' && value === 'in') state.way = value;
    if (key === 'order' && (value === 'label' || value === 'previous' || value === 'next')) state.order = value;
    if (key === 'heads') {
      const heads = value.split(',').map((each) => whole(each));
      if (heads.every((head) => head !== null)) state.heads = [...new Set(heads as number[])].sort((a, b) => a - b);
    }
    if (key === 'text') found.text = decoded(value);
    if (key === 'pair') found.pair = decoded(value);
  }
  return found;
}
