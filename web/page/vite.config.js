// Three files of fixed names, without a hash in them: their answers carry an ETag, and the binary names them.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  publicDir: false,
  esbuild: { charset: 'ascii', legalComments: 'none' },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    modulePreload: false,
    rollupOptions: {
      output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]', inlineDynamicImports: true },
    },
  },
});
