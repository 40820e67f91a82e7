// The page of the server: which model, what to ask it, and what it says. Each part is a file of its own; here they are put together.
import './page.css';
import { make, nameText, tabs } from './dom';
import { FileView } from './file_view';
import { ManyTexts } from './many_texts';
import { leadOf, modelCard } from './model_card';
import { OneText } from './one_text';
import { labelsTokens, Server, type Model } from './server';

const server = new Server();

// Asked for once the server wants one; kept in this tab alone.
function keyForm(): HTMLElement {
  const input = make('input', { type: 'password', id: 'key', autocomplete: 'off', required: true, spellcheck: false });
  const said = make('p', { className: 'hint' });
  const form = make('form', { className: 'card needs-key', hidden: true });
  form.append(
    make('h2', { textContent: 'This server asks for a key' }),
    make('label', { htmlFor: 'key', textContent: 'API key' }),
    make('p', { className: 'buttons' }, input, make('button', { type: 'submit', className: 'main', textContent: 'Use this key' })),
    said,
  );
  said.setAttribute('role', 'alert');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    server.setKey(input.value.trim());
    input.value = '';
  });
  server.onChange.push(() => {
    const wanted = server.state === 'key';
    if (wanted && form.hidden) requestAnimationFrame(() => input.focus());
    form.hidden = !wanted;
    said.textContent = server.wrongKey
      ? 'The server does not take this key.'
      : 'Whoever runs the server has it. It is kept in this tab only, until you close it.';
  });
  return form;
}

// Quiet while all is well.
function statusLine(): HTMLElement {
  const line = make('p', { className: 'status' });
  line.setAttribute('role', 'status');
  server.onChange.push(() => {
    const down = server.state === 'down';
    line.classList.toggle('down', down);
    line.textContent = down ? 'The server does not answer just now. The page tries again by itself; what you typed stays.' : '';
  });
  return line;
}

function start(): void {
  const one = new OneText(server);
  const file = new FileView(server);
  const many = new ManyTexts(server, (text) => {
    ways.choose('one');
    one.open(text, null);
  });
  const title = make('h1', { textContent: 'Filbert' });
  const lead = make('p', { className: 'lead' });
  const card = make('div', {});
  const models = make('select', { id: 'model' });
  const choice = make('p', { className: 'choice', hidden: true }, make('label', { htmlFor: 'model', textContent: 'Model ' }), models);
  const ways = tabs(
    'What to classify',
    [
      { id: 'one', title: 'One text', panel: make('div', {}, one.element) },
      { id: 'many', title: 'Several texts', panel: make('div', {}, many.element) },
      { id: 'file', title: 'A file', panel: make('div', {}, file.element) },
    ],
    () => undefined,
  );

  let shown = '';
  const show = (model: Model): void => {
    const now = JSON.stringify([model, server.offer]);
    if (now === shown) return;
    shown = now;
    document.title = `${nameText(model.id)} – Filbert`;
    title.replaceChildren(make('bdi', { textContent: nameText(model.id) }));
    lead.textContent = leadOf(model);
    card.replaceChildren(modelCard(model, server.offer));
    for (const each of [one, many, file]) each.setModel(model);
    ways.offer(labelsTokens(model) ? ['one'] : ['one', 'many', 'file']);
  };
  models.addEventListener('change', () => show(server.models[models.selectedIndex] as Model));
  server.onChange.push(() => {
    if (server.models.length === 0) return;
    const chosen = Math.max(
      0,
      server.models.findIndex((model) => model.id === models.value),
    );
    models.replaceChildren(...server.models.map(({ id }) => make('option', { value: id, textContent: nameText(id) })));
    models.selectedIndex = chosen;
    choice.hidden = server.models.length < 2;
    show(server.models[chosen] as Model);
  });

  const head = make('header', { className: 'head' }, make('div', {}, make('p', { className: 'brand', textContent: 'Filbert' }), title, lead), choice);
  const main = make('main', { id: 'main' }, keyForm(), ways.element, ...ways.panels, card);
  document.body.replaceChildren(make('a', { className: 'skip', href: '#text', textContent: 'To the text' }), statusLine(), head, main);
  ways.choose('one');
  if (!matchMedia('(pointer: coarse)').matches) one.focus(); // on a telephone that would open its keyboard over the page
  takeDrops(
    file,
    () => ways.choose('file'),
    () => !labelsTokens(server.models[models.selectedIndex] as Model),
  );
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void server.look();
  });
  void server.look();
}

// A file may be dropped anywhere, while the model has a use for one.
function takeDrops(view: FileView, show: () => void, isWanted: () => boolean): void {
  const hasFile = (event: DragEvent): boolean => isWanted() && (event.dataTransfer?.types.includes('Files') ?? false);
  document.addEventListener('dragover', (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    document.body.classList.add('dragged');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dragged');
  });
  document.addEventListener('drop', (event) => {
    document.body.classList.remove('dragged');
    const file = hasFile(event) ? event.dataTransfer?.files[0] : undefined;
    if (!file) return;
    event.preventDefault();
    show();
    void view.take(file);
  });
}

start();
