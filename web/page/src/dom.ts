// Elements. What the views of attention have for the same (attention_views.js, which the page loads before) is theirs. Every text goes in as
// text; nothing is ever parsed as HTML.

export interface Views {
  element: HTMLElement;
  draw(): void;
}
export interface AttentionData {
  tokens: string[];
  special: boolean[];
  heads: number[];
  layers: { layer: number }[];
  count: number;
  weights(layer: number): Uint8Array;
  allowed(i: number, j: number): boolean;
  mean(layer: number, heads: number[]): Float32Array;
  kept(layer: number, heads: number[]): Uint8Array;
  received(layer: number): { shares: Float32Array; most: number[] };
}
export interface PinnedToken {
  side: 'q' | 'k';
  at: number;
}
export type Child = Node | string;
type Move = (key: string, at: number) => number | undefined;

declare const attentionViews: {
  make<K extends keyof HTMLElementTagNameMap>(tag: K, properties?: object, ...children: Child[]): HTMLElementTagNameMap[K];
  named<E extends Element>(element: E, name: string): E;
  roving(buttons: HTMLElement[], step: Move): void;
  horizontal(count: number): Move;
  links(
    data: AttentionData,
    shown: () => { layer: number; heads: number[]; pinned: PinnedToken | null },
    pin: (token: PinnedToken | null) => void,
  ): Views;
};
export const { make, named, roving, horizontal, links } = attentionViews;

// What the page of similar tokens has (contexts_views.js).
declare const contextsViews: {
  directions: Record<'out' | 'in', string>;
  orders: Record<'like' | 'label' | 'previous' | 'next', string>;
  strongest(weights: number[], percent: number): number[];
  shade(weight: number, most: number): string;
  changes(title: string, names: string[], before: number[], after: number[], masked: string): HTMLTableElement;
};
export const { directions, orders, strongest, shade, changes } = contextsViews;

// What nobody sees, or turns what stands around it.
const invisible =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const mark = (c: string) => `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

// A text as nodes, with invisible characters as marks.
export function visibly(text: string): Child[] {
  const nodes: Child[] = [];
  let from = 0;
  for (const match of text.matchAll(invisible)) {
    if (match.index > from) nodes.push(text.slice(from, match.index));
    nodes.push(make('span', { className: 'ctl', textContent: mark(match[0]) }));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

// A word or label within something else: isolated from the direction around it, its middle left out where it is long.
export function nameText(text: string, most = 64): string {
  const characters = [...text];
  const short = characters.length > most ? characters.slice(0, most * 0.75).join('') + '…' + characters.slice(-most * 0.25).join('') : text;
  return short.replace(invisible, (c) => `[${mark(c)}]`);
}
export const nameOf = (text: string, most = 64): HTMLElement => make('bdi', { textContent: nameText(text, most) });

// Numbers as the reports print them.
export function decimalsFor(largest: number): number {
  if (largest >= 100) return 1;
  if (largest >= 10) return 2;
  return largest > 0 && largest < 0.01 ? 5 : 3;
}
export function number(value: number | null | undefined, decimals = 3): string {
  if (value === null || value === undefined) return '–';
  const digits = Math.abs(value).toFixed(decimals);
  return value < 0 && /[1-9]/.test(digits) ? '−' + digits : digits;
}
export function signed(value: number | null | undefined, decimals = 3): string {
  const digits = number(value, decimals);
  return value && value > 0 && /[1-9]/.test(digits) ? '+' + digits : digits;
}
export const grouped = (count: number): string => count.toLocaleString('en');
export const counted = (count: number, one: string, many = one + 's'): string => `${grouped(count)} ${count === 1 ? one : many}`;

export function svg(className: string, viewBox: string, ...paths: [className: string, d: string][]): SVGSVGElement {
  const root = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  root.setAttribute('class', className);
  root.setAttribute('viewBox', viewBox);
  root.setAttribute('preserveAspectRatio', 'none');
  root.setAttribute('aria-hidden', 'true');
  for (const [name, d] of paths) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    if (name) path.setAttribute('class', name);
    path.setAttribute('d', d);
    root.append(path);
  }
  return root;
}

export function button(text: string, act: () => void, properties: object = {}): HTMLButtonElement {
  const element = make('button', { type: 'button', textContent: text, ...properties });
  element.addEventListener('click', act);
  return element;
}

// Tabs with their panels (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/): arrow keys go from one to the next, which shows it at once. `offer` hides
// all tabs but those named.
export interface Tab {
  id: string;
  title: string;
  panel: HTMLElement;
}
export function tabs(
  name: string,
  list: Tab[],
  chosen: (id: string) => void,
): { element: HTMLElement; panels: HTMLElement[]; choose(id: string): void; offer(ids: string[]): void } {
  const bar = named(make('div', { className: 'tabs' }), name);
  bar.setAttribute('role', 'tablist');
  let current = '';
  const choose = (id: string): void => {
    if (id === current) return;
    current = id;
    list.forEach((tab, at) => {
      const on = tab.id === id;
      tab.panel.hidden = !on;
      buttons[at]?.setAttribute('aria-selected', String(on));
      if (buttons[at]) buttons[at].tabIndex = on ? 0 : -1;
    });
    chosen(id);
  };
  const buttons = list.map(({ id, title, panel }) => {
    const tab = button(title, () => choose(id), { id: `tab-${id}`, className: 'tab' });
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', `panel-${id}`);
    tab.addEventListener('focus', () => choose(id));
    Object.assign(panel, { id: `panel-${id}` });
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', `tab-${id}`);
    return tab;
  });
  roving(buttons, (key, at) => {
    const shown = buttons.flatMap((tab, place) => (tab.hidden ? [] : [place]));
    const to = horizontal(shown.length)(key, shown.indexOf(at));
    return to === undefined ? undefined : shown[Math.max(0, Math.min(to, shown.length - 1))];
  });
  bar.append(...buttons);
  const offer = (ids: string[]): void => {
    list.forEach(({ id }, at) => {
      const tab = buttons[at];
      if (tab) tab.hidden = !ids.includes(id);
    });
    if (!ids.includes(current) && ids[0] !== undefined) choose(ids[0]);
  };
  return { element: bar, panels: list.map(({ panel }) => panel), choose, offer };
}

// A text to be copied, with the button for it.
export function copyable(name: string): { element: HTMLElement; set(text: string): void } {
  const code = named(make('pre', { className: 'command', tabIndex: 0 }), name);
  const said = make('span', { className: 'hint' });
  code.setAttribute('role', 'region');
  said.setAttribute('role', 'status');
  const copy = button('Copy', () => {
    navigator.clipboard?.writeText(code.textContent ?? '').then(() => {
      said.textContent = 'Copied.';
    }, select) ?? select();
  });
  // Without leave to write the clipboard (a page by http from elsewhere has none): all of it is selected, for the key that copies.
  const select = (): void => {
    getSelection()?.selectAllChildren(code);
    said.textContent = 'Selected: copy it with Ctrl+C.';
  };
  return {
    element: make('div', {}, code, make('p', { className: 'buttons' }, copy, said)),
    set(text) {
      if (code.textContent === text) return;
      code.textContent = text;
      said.textContent = '';
    },
  };
}

// The same where it is seldom wanted: folded under its name.
export function copyableIn(name: string): { element: HTMLDetailsElement; set(text: string): void } {
  const inner = copyable(name);
  return { element: make('details', {}, make('summary', { textContent: name }), inner.element), set: inner.set };
}
