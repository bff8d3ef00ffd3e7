// The formats of the engine.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/quern.hpp>

namespace engine {

struct small : quern::codec<quern::e2m1, quern::levels<quern::group<16, quern::e4m3>, quern::channel<quern::f32>>> {
  static constexpr const char* name = "engine.small";
};

}  // namespace engine
