// Quern: quantization codecs as types. This header is light: policies, codecs, the catalogue, storage, and the public
// functions declared. A program also includes quern/simd.hpp where it uses or instantiates kernels, or links
// quern::catalog.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#define QUERN_VERSION_MAJOR 0
#define QUERN_VERSION_MINOR 1
#define QUERN_VERSION_PATCH 0
#define QUERN_VERSION "0.1.0"

#include "quern/api/any_packed.hpp"
#include "quern/api/blocks.hpp"
#include "quern/api/by_name.hpp"
#include "quern/api/matmul.hpp"
#include "quern/api/matrices.hpp"
#include "quern/catalog/catalog.hpp"
#include "quern/catalog/visit.hpp"
#include "quern/codec/describe.hpp"
#include "quern/codec/name.hpp"
#include "quern/fit/default.hpp"
#include "quern/kernels.hpp"
#include "quern/layout/section.hpp"
#include "quern/layout/strided.hpp"
#include "quern/layout/trits.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/nearest.hpp"
#include "quern/number/progression.hpp"
#include "quern/storage/packed.hpp"
#include "quern/storage/tiled.hpp"
#include "quern/storage/transcode.hpp"
