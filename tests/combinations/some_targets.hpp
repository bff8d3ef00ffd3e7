// To be included first, with PART defined: compiles a large test file for the baseline and some of the other targets that
// are asked for, other ones in other files. Every codec here meets two or three targets, every target many codecs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bits of hwy/detect_targets.h: 14 SSE2, 12 SSSE3, 11 SSE4, 9 AVX2, 8 AVX3, 7 AVX3_DL, 6 AVX3_ZEN4, 4 AVX3_SPR. On other
// machines the bits of x86 mean nothing.
#if defined(HWY_DISABLED_TARGETS) && HWY_DISABLED_TARGETS == 0x3DBF  // few: the baseline, and one of the other two
#undef HWY_DISABLED_TARGETS
#if PART % 2 == 0
#define HWY_DISABLED_TARGETS 0x3FBF
#else
#define HWY_DISABLED_TARGETS 0x3DFF
#endif
#elif defined(HWY_WANT_AVX3_DL) && !defined(HWY_DISABLED_TARGETS)  // all: the baseline, two others, and fewer codecs
#if PART % 4 == 0
#define HWY_DISABLED_TARGETS 0x37BF
#elif PART % 4 == 1
#define HWY_DISABLED_TARGETS 0x3D7F
#elif PART % 4 == 2
#define HWY_DISABLED_TARGETS 0x2FEF
#else
#define HWY_DISABLED_TARGETS 0x3CFF
#endif
#define SOME_CODECS
#endif
