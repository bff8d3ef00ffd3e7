// expect: int8: the group of activations must be a multiple of 4
// Four products meet in a lane.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/activation.hpp"
using namespace quern;
const auto bad = int8<3>::group;
