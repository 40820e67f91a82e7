// The two modules of node that the tests use: its whole declarations would be one more package.
declare module 'node:test' {
  export function test(name: string, run: () => void | Promise<void>): void;
}
declare module 'node:assert/strict' {
  const assert: {
    equal(found: unknown, expected: unknown, message?: string): void;
    deepEqual(found: unknown, expected: unknown, message?: string): void;
    ok(found: unknown, message?: string): void;
    throws(run: () => unknown, expected: RegExp): void;
  };
  export default assert;
}
declare module 'node:child_process' {
  export function execFileSync(program: string, words: string[], options: { encoding: 'utf8' }): string;
}
