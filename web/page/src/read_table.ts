// Reads a file piece by piece, with a pause after each in which the page answers.
import { encodingOf, kindOf, mostFileBytes, TableBuilder, type Table } from './table';

export async function readTable(file: File, progress: (share: number) => void, signal: AbortSignal): Promise<Table> {
  const kind = kindOf(file.name);
  if (!kind) throw new Error('expected a file whose name ends in .csv, .tsv, .jsonl or .txt');
  if (file.size > mostFileBytes) {
    throw new Error(
      `expected at most ${mostFileBytes >> 20} MB, found ${Math.ceil(file.size / 2 ** 20)} MB. The command “filbert classify” takes texts of any number from its standard input.`,
    );
  }
  const encoding = encodingOf(new Uint8Array(await file.slice(0, 3).arrayBuffer()));
  try {
    return await readAs(file, kind, encoding, progress, signal);
  } catch (error) {
    // Bytes that are no UTF-8: what older spreadsheets write.
    if (encoding === 'utf-8' && error instanceof TypeError) return readAs(file, kind, 'windows-1252', progress, signal);
    throw error;
  }
}

async function readAs(file: File, kind: Table['kind'], encoding: string, progress: (share: number) => void, signal: AbortSignal): Promise<Table> {
  const decoder = new TextDecoder(encoding, { fatal: encoding === 'utf-8', ignoreBOM: true });
  const reader = file.stream().getReader();
  let builder: TableBuilder | null = null;
  let bytes = 0;
  const take = (piece: string): void => {
    if (piece === '') return;
    const mark = builder === null && piece.startsWith('\ufeff');
    builder ??= new TableBuilder(kind, encoding, mark);
    builder.push(mark ? piece.slice(1) : piece);
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (signal.aborted) throw signal.reason;
    take(done ? decoder.decode() : decoder.decode(value, { stream: true }));
    if (done) break;
    bytes += value.length;
    progress(bytes / Math.max(1, file.size));
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  return (builder ?? new TableBuilder(kind, encoding, false)).end();
}
