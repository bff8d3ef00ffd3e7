// The list of formats that this program knows.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "format.hpp"

namespace quantize {

std::span<const format> formats();

}  // namespace quantize
