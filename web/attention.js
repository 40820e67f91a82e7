// The pictures of attention: reads the page's data, keeps what is chosen, and writes it into the address, so that a link opens the same picture.
// What draws is attention_views.js. All text goes in by textContent; nothing is loaded.
'use strict';
(() => {
  const {make, named, roving, horizontal, links, grid, neurons} = attentionViews;
  const page = JSON.parse(document.getElementById('filbert-attention').textContent);
  const root = document.getElementById('attention-views');
  const count = page.tokens.length, hasStates = page.head_size !== undefined;
  const numbers = page.layers.map((layer) => layer.layer);
  const filters = {all: 'All', aa: 'A → A', ab: 'A → B', ba: 'B → A', bb: 'B → B'};
  const all = () => page.heads.map((_, at) => at);
  const state = {view: 'head', layer: 0, heads: all(), token: null, filter: 'all', top: 100, special: true, open: null, head: 0};

  function bytesOf(base64) {
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; ++at) bytes[at] = text.charCodeAt(at);
    return bytes;
  }
  // A zero is followed by how many more there are.
  function withRuns(bytes, length) {
    const out = new Uint8Array(length);
    for (let from = 0, to = 0; from < bytes.length; ++from, ++to) {
      if (bytes[from] === 0) to += bytes[++from];
      else out[to] = bytes[from];
    }
    return out;
  }
  // The last answer to each question, by what it was asked with.
  function remembered(compute) {
    let key = null, answer = null;
    return (...question) => {
      const asked = JSON.stringify([question, state.filter, state.special, state.top]);
      if (asked !== key) [key, answer] = [asked, compute(...question)];
      return answer;
    };
  }

  const side = (at) => (at < page.sentence_b_start ? 'a' : 'b');
  const decoded = [];
  const data = {
    tokens: page.tokens, special: page.special, heads: page.heads, layers: page.layers, count, headSize: page.head_size,

    // [heads, tokens, tokens] from 0 to 255
    weights(layer) {
      if (!decoded[layer]) {
        const {weights, runs} = page.layers[layer];
        decoded[layer] = runs ? withRuns(bytesOf(weights), page.heads.length * count * count) : bytesOf(weights);
      }
      return decoded[layer];
    },
    // Whether a weight is one of those that are shown, by its ends.
    allowed(i, j) {
      if (!state.special && (page.special[i] || page.special[j])) return false;
      return state.filter === 'all' || page.sentence_b_start === undefined || side(i) + side(j) === state.filter;
    },
    mean: remembered((layer, heads) => {
      const mean = new Float32Array(count * count), weights = data.weights(layer);
      for (const head of heads) {
        for (let at = 0, from = head * count * count; at < mean.length; ++at) mean[at] += weights[from + at];
      }
      return mean.map((sum) => sum / heads.length / 255);
    }),
    // Of each token the largest weights, until they make up the share that is asked for.
    kept: remembered((layer, heads) => {
      const kept = new Uint8Array(count * count), mean = data.mean(layer, heads);
      for (let i = 0; i < count; ++i) {
        const keys = [];
        let sum = 0;
        for (let j = 0; j < count; ++j) {
          if (!data.allowed(i, j)) continue;
          keys.push(j);
          sum += mean[i * count + j];
        }
        if (state.top < 100) keys.sort((a, b) => mean[i * count + b] - mean[i * count + a]);
        let left = state.top < 100 ? (sum * state.top) / 100 : Infinity;
        for (const j of keys) {
          if (left <= 0) break;
          kept[i * count + j] = 1;
          left -= mean[i * count + j];
        }
      }
      return kept;
    }),
    // [heads, tokens] what a token gets of all, and the most of each head.
    received: remembered((layer) => {
      const weights = data.weights(layer), shares = new Float32Array(page.heads.length * count);
      const most = page.heads.map((_, head) => {
        for (let i = 0; i < count; ++i) {
          for (let j = 0; j < count; ++j) if (data.allowed(i, j)) shares[head * count + j] += weights[(head * count + i) * count + j] / 255 / count;
        }
        return Math.max(...shares.subarray(head * count, (head + 1) * count));
      });
      return {shares, most};
    }),
    // A head as so few rows that a thumbnail has room for: the share of a bundle of tokens that goes to another bundle.
    thumbnail(layer, head, most) {
      const rows = Math.min(count, most), shares = new Float32Array(rows * rows), queries = new Float32Array(rows), keys = new Float32Array(count);
      const weights = data.weights(layer), bundle = page.tokens.map((_, at) => Math.floor((at * rows) / count));
      const free = state.special && state.filter === 'all';
      for (let i = 0; i < count; ++i) {
        queries[bundle[i]] += 1;
        for (let j = 0, at = (head * count + i) * count; j < count; ++j, ++at) {
          if (weights[at] === 0 || !(free || data.allowed(i, j))) continue;
          shares[bundle[i] * rows + bundle[j]] += weights[at] / 255;
          keys[j] += weights[at];
        }
      }
      for (let at = 0; at < shares.length; ++at) shares[at] /= queries[Math.floor(at / rows)];
      const largest = Math.max(...keys);
      return {shares, rows, mostLookedAt: largest > 0 ? page.tokens[keys.indexOf(largest)] : 'nothing'};
    },
    states(layer, head) {
      const {q, k, products_alone: alone} = page.layers[layer], size = page.head_size;
      for (const each of [q, k]) each.numbers = each.numbers || new Int8Array(bytesOf(each.bytes).buffer);
      const vector = (from) => (token) => {
        const first = (head * count + token) * size;
        return Array.from(from.numbers.subarray(first, first + size), (value) => value * from.steps[head]);
      };
      return {q: vector(q), k: vector(k), alone, most: {q: q.steps[head] * 127, k: k.steps[head] * 127}};
    },
  };

  // What is chosen, in the address: layers and heads by their numbers.
  function write() {
    const words = new URLSearchParams({view: state.view, layer: numbers[state.layer]});
    if (state.view === 'neuron') words.set('head', page.heads[state.head]);
    if (state.heads.length < page.heads.length) words.set('heads', state.heads.map((at) => page.heads[at]).join(','));
    if (state.token) words.set('token', state.token.side + state.token.at);
    if (state.filter !== 'all') words.set('filter', state.filter);
    if (state.top < 100) words.set('top', state.top);
    if (!state.special) words.set('special', 'off');
    if (state.view === 'model' && state.open) words.set('open', `${numbers[state.open[0]]}.${page.heads[state.open[1]]}`);
    history.replaceState(null, '', '#' + words.toString().replaceAll('%2C', ','));
  }

  // Anybody may have written the address: what is not there is left as it was.
  function read(words) {
    const place = (list, text) => (text === null || text === '' ? -1 : list.indexOf(Number(text)));
    const view = words.get('view'), layer = place(numbers, words.get('layer')), head = place(page.heads, words.get('head'));
    if (view === 'head' || view === 'model' || (view === 'neuron' && hasStates)) state.view = view;
    if (layer >= 0) state.layer = layer;
    if (head >= 0) state.head = head;
    const heads = (words.get('heads') || '').split(',').map((text) => place(page.heads, text)).filter((at) => at >= 0);
    state.heads = heads.length ? [...new Set(heads)].sort((a, b) => a - b) : all();
    const token = /^([qk])(\d{1,6})$/.exec(words.get('token') || '');
    state.token = token && Number(token[2]) < count ? {side: token[1], at: Number(token[2])} : null;
    state.filter = page.sentence_b_start !== undefined && Object.hasOwn(filters, words.get('filter') || '') ? words.get('filter') : 'all';
    state.top = Math.min(100, Math.max(5, Math.round(Number(words.get('top'))) || 100));
    state.special = words.get('special') !== 'off';
    const [openLayer, openHead] = (words.get('open') || '').split('.');
    const open = [place(numbers, openLayer ?? null), place(page.heads, openHead ?? null)];
    state.open = state.view === 'model' && open.every((at) => at >= 0) ? open : null;
  }

  function change(changes) {
    Object.assign(state, changes);
    write();
    render();
  }

  // The controls.
  const tabs = ['head', 'model', ...(hasStates ? ['neuron'] : [])].map((view) => {
    const textContent = {head: 'Head view', model: 'Model view', neuron: 'Neuron view'}[view];
    const tab = make('button', {type: 'button', id: `tab-${view}`, className: 'tab', textContent});
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', 'attention-panel');
    tab.dataset.view = view;
    tab.addEventListener('focus', () => { if (state.view !== view) change({view}); });
    tab.addEventListener('click', () => { if (state.view !== view) change({view}); });
    return tab;
  });
  roving(tabs, horizontal(tabs.length));
  const tablist = named(make('div', {className: 'tabs'}, ...tabs), 'Views of attention');
  tablist.setAttribute('role', 'tablist');

  function select(legend, options, chosen) {
    const element = make('select', {}, ...options.map((number, at) => make('option', {value: String(at), textContent: String(number)})));
    element.addEventListener('change', () => chosen(Number(element.value)));
    return {element, label: make('label', {className: 'choice'}, legend + ' ', element)};
  }
  const layerChoice = select('Layer', numbers, (layer) => change({layer}));
  const headChoice = select('Head', page.heads, (head) => change({head}));

  // A square a head: a click shows or hides it, but the last stays; a double click, or i, shows it alone, or all again.
  const squares = page.heads.map((number, at) => {
    const square = named(make('button', {type: 'button', className: `square c${number % 12}`, textContent: String(number)}), `Head ${number}`);
    square.title = 'Click: on or off. Double click or i: alone, or all';
    square.setAttribute('aria-keyshortcuts', 'i');
    square.addEventListener('click', () => toggle(at));
    square.addEventListener('dblclick', () => isolate(at));
    square.addEventListener('keydown', (event) => { if (event.key === 'i' && !event.ctrlKey && !event.metaKey && !event.altKey) isolate(at); });
    return square;
  });
  roving(squares, horizontal(squares.length));
  function toggle(at) {
    const heads = state.heads.includes(at) ? state.heads.filter((head) => head !== at) : [...state.heads, at].sort((a, b) => a - b);
    if (heads.length) change({heads});
  }
  function isolate(at) { change({heads: state.heads.length === 1 && state.heads[0] === at ? all() : [at]}); }
  const headsLegend = make('legend', {textContent: 'Heads: a click shows or hides one, a double click or the key i shows it alone'});
  const heads = make('fieldset', {className: 'heads'}, headsLegend, make('div', {className: 'squares'}, ...squares));

  const pills = make('div', {className: 'pills'});
  for (const [filter, text] of Object.entries(filters)) {
    const input = make('input', {type: 'radio', name: 'attention-filter', value: filter});
    input.addEventListener('change', () => change({filter}));
    pills.append(make('label', {}, input, text));
  }
  const filter = make('fieldset', {}, make('legend', {textContent: 'From and to which text'}), pills);
  const topOut = make('output', {}), top = make('input', {type: 'range', min: '5', max: '100', step: '5'});
  top.addEventListener('input', () => { state.top = Number(top.value); render(); });
  top.addEventListener('change', () => change({top: Number(top.value)}));
  const topChoice = make('label', {className: 'range'}, 'Largest weights, up to ', top, ' ', topOut);
  const special = make('input', {type: 'checkbox'});
  special.addEventListener('change', () => change({special: special.checked}));
  const specialChoice = make('label', {className: 'choice'}, special, ' Special tokens');
  const controls = make('div', {className: 'controls'}, layerChoice.label, headChoice.label, topChoice, specialChoice, filter, heads);

  // The three views, and one head of the model enlarged.
  const pin = (token) => change({token});
  const headView = links(data, () => ({layer: state.layer, heads: state.heads, pinned: state.token}), pin);
  const modelView = grid(data, (layer, head) => change({open: [layer, head]}));
  const ofNeurons = () => ({layer: state.layer, head: state.head, token: state.token ? state.token.at : 0});
  const neuronView = hasStates ? neurons(data, ofNeurons, (at) => {
    if (!state.token || state.token.at !== at) change({token: {side: 'q', at}});
  }) : null;
  const large = links(data, () => ({layer: state.open ? state.open[0] : 0, heads: [state.open ? state.open[1] : 0], pinned: state.token}), pin);
  const dialogTitle = make('h3', {id: 'attention-large'}), dialog = make('dialog', {className: 'large'});
  const button = (text, act) => {
    const element = make('button', {type: 'button', textContent: text});
    element.addEventListener('click', act);
    return element;
  };
  const leave = (view) => () => {
    const [layer, head] = state.open;
    state.open = null;
    dialog.close();
    change({view, layer, head, heads: [head]});
    tabs.find((tab) => tab.dataset.view === view).focus();
  };
  const buttons = make('div', {className: 'buttons'}, button('Close', () => dialog.close()), button('In the head view', leave('head')));
  if (hasStates) buttons.append(button('In the neuron view', leave('neuron')));
  dialog.setAttribute('aria-labelledby', 'attention-large');
  dialog.append(make('div', {className: 'large-head'}, dialogTitle, buttons), large.element);
  dialog.addEventListener('close', () => {
    if (!state.open) return;
    const [layer, head] = state.open;
    change({open: null});
    modelView.focus(layer, head);
  });

  const panel = make('div', {id: 'attention-panel', className: 'panel'});
  panel.setAttribute('role', 'tabpanel');
  const views = {head: headView, model: modelView, neuron: neuronView};

  function render() {
    const {view} = state;
    tabs.forEach((tab) => {
      tab.setAttribute('aria-selected', String(tab.dataset.view === view));
      tab.tabIndex = tab.dataset.view === view ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', `tab-${view}`);
    layerChoice.label.hidden = view === 'model';
    headChoice.label.hidden = view !== 'neuron';
    heads.hidden = topChoice.hidden = view !== 'head';
    specialChoice.hidden = view === 'neuron';
    filter.hidden = view === 'neuron' || page.sentence_b_start === undefined;
    layerChoice.element.value = String(state.layer);
    headChoice.element.value = String(state.head);
    top.value = String(state.top);
    topOut.textContent = `${state.top} %`;
    special.checked = state.special;
    for (const input of pills.querySelectorAll('input')) input.checked = input.value === state.filter;
    squares.forEach((square, at) => square.setAttribute('aria-pressed', String(state.heads.includes(at))));
    if (panel.firstChild !== views[view].element) panel.replaceChildren(views[view].element);
    enlarge();
    views[view].draw();
  }

  function enlarge() {
    if (state.open && !dialog.open) dialog.showModal();
    if (!state.open && dialog.open) dialog.close();
    if (!state.open) return;
    dialogTitle.textContent = `Layer ${numbers[state.open[0]]}, head ${page.heads[state.open[1]]}`;
    large.draw();
  }

  function start() {
    const {view, layer, heads: first} = page.first, words = new URLSearchParams(location.hash.slice(1));
    if (view !== 'neuron' || hasStates) state.view = view;
    if (layer !== undefined) state.layer = numbers.indexOf(layer);
    if (first) {
      state.heads = first.map((number) => page.heads.indexOf(number)).sort((a, b) => a - b);
      state.head = state.heads[0];
    }
    if (words.has('view')) {
      read(words);
      const details = root.closest('details');
      if (details) details.open = true;
    }
    root.replaceChildren(tablist, controls, panel, dialog);
    render();
  }

  // The width changes, and is none while the section is folded: drawn anew in the next frame.
  let width = -1;
  new ResizeObserver(() => {
    if (root.clientWidth === width) return;
    width = root.clientWidth;
    if (width > 0) requestAnimationFrame(render);
  }).observe(root);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => requestAnimationFrame(render));
  window.addEventListener('hashchange', () => {
    const words = new URLSearchParams(location.hash.slice(1));
    if (!words.has('view')) return;
    read(words);
    render();
  });
  if (count > 0 && page.heads.length > 0) start();
})();
