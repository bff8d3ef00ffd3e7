// A file that includes the light header only.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>

bool light_header_compiles() { return true; }
