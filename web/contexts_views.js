// What the page of similar tokens and the page of the server share: which tokens hold most of the attention, how deep a ground is, what changes
// when a word is masked. All text goes in by textContent.
'use strict';
const contextsViews = (() => {
  const directions = {out: 'looks at', in: 'is looked at by'};
  const orders = {like: 'Like', label: 'Label', previous: 'What stands before', next: 'What follows'};

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }
  // "0.931", "−0.080"; what is rounded to nothing has no sign.
  const number = (value, digits) => (value === null || value === undefined ? '–' : value.toFixed(digits).replace(/^-(?=.*[1-9])/, '−').replace('-', ''));
  const signed = (value, digits) => (value > 0 && /[1-9]/.test(number(value, digits)) ? '+' : '') + number(value, digits);

  // Those that together have `percent` of all, the largest first.
  function strongest(weights, percent) {
    const order = weights.map((_, at) => at).filter((at) => weights[at] > 0).sort((a, b) => weights[b] - weights[a] || a - b);
    const enough = weights.reduce((sum, weight) => sum + weight, 0) * percent / 100;
    let sum = 0;
    return order.filter((at) => {
      const wanted = sum < enough;
      sum += weights[at];
      return wanted;
    });
  }

  // The class of a ground: none, or one of ten.
  function shade(weight, most) {
    const level = most > 0 ? Math.round(Math.min(1, weight / most) * 10) : 0;
    return level === 0 ? 'z' : 'n' + level;
  }

  // What was, what is with a word masked, and by how much it changed, a row each.
  function changes(title, names, before, after, masked) {
    const body = make('tbody'), head = make('tr');
    names.forEach((name, at) => {
      body.append(make('tr', {}, make('th', {scope: 'row'}, make('bdi', {textContent: name})), make('td', {className: 'num', textContent: number(before[at], 3)}),
                       make('td', {className: 'num', textContent: number(after[at], 3)}), make('td', {className: 'num', textContent: signed(after[at] - before[at], 3)})));
    });
    for (const [text, kind] of [[title, ''], ['Text', 'num'], [`${masked} masked`, 'num'], ['Change', 'num']]) {
      head.append(make('th', {scope: 'col', className: kind, textContent: text}));
    }
    return make('table', {className: 'scores-now'}, make('thead', {}, head), body);
  }

  return {directions, orders, make, number, strongest, shade, changes};
})();
