// The instruction sets that the vector kernels are compiled for; before any header of Highway.
#pragma once

// AVX2 and AVX-512: f32 gains nothing from what lies between or beyond, and the few instructions for narrow numbers are
// named where they stand. Fewer targets, a shorter build. Bits 4 and 6 are AVX3_SPR and AVX3_ZEN4, which Highway 1.0.3 has no
// names for.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | (1LL << 4) | (1LL << 6))
