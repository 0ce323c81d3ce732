// Static inline wrappers over libvips: Swift imports neither variadic functions nor macros.
#pragma once
#include <vips/vips.h>
