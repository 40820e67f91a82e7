// A page that the server makes, opened beside this one.
import { button, make } from './dom';
import type { Server } from './server';

// It is a file of its own that loads nothing, so that it can be kept, too. `made` is told its address, which holds it in memory.
export function reportButton(text: string, file: string, server: Server, path: string, body: object, made: (url: string) => void): HTMLElement {
  const box = make('span', { className: 'buttons' });
  const said = make('span', { className: 'hint' });
  said.setAttribute('role', 'status');
  const start = button(text, () => {
    start.disabled = true;
    said.textContent = 'Making it …';
    const finish = (message: string): void => {
      start.disabled = false;
      said.textContent = message;
    };
    server
      .request(path, body, { accept: 'text/html' })
      .then((answer) => answer.blob())
      .then((blob) => {
        const href = URL.createObjectURL(new Blob([blob], { type: 'text/html' }));
        made(href);
        const open = make('a', { href, target: '_blank', rel: 'noopener', textContent: 'Open it', className: 'action' });
        box.replaceChildren(open, make('a', { href, download: file, textContent: 'Keep it as a file', className: 'action' }));
        open.click();
        open.focus();
      })
      .catch((error: unknown) => finish(error instanceof Error ? error.message : String(error)));
  });
  box.append(start, said);
  return box;
}
