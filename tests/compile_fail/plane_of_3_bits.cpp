// expect: layout: the width of a plane must divide a byte
// Three bits are planes of two and of one.
// SPDX-License-Identifier: Apache-2.0
#include "quern/layout/plane.hpp"
using namespace quern;
const auto bad = plane<codes, 3, 32>::bytes(run{32, 3});
