// A file that the reader keeps, made of pieces; the browser asks where.
import { make } from './dom';

export function save(name: string, type: string, pieces: BlobPart[]): void {
  const href = URL.createObjectURL(new Blob(pieces, { type }));
  make('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
