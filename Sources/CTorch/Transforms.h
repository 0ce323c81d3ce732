// What Winograd's F(4 × 4, 3 × 3) does before and after its products of matrices, for channels that lie next to each other.
#pragma once
#include <cstdint>

#include <algorithm>

namespace ct::winograd {
/// Tiles of 6 × 6 pixels give 4 × 4 results each.
constexpr int seen = 6, made = 4, points = seen * seen, lanes = 16;

struct Tiles {
  int64_t height, width, padding, outHeight, outWidth;
  int64_t down() const { return (outHeight + made - 1) / made; }
  int64_t across() const { return (outWidth + made - 1) / made; }
};
/// Where the tiles that are worked on begin, and how many there is room for.
struct Place {
  Tiles tiles;
  int64_t first, room;
};
/// Channels that are worked on: `count` from `first` of `all`; and how many of another thing there is room for.
struct Channels {
  int64_t all, first, count, room;
};

/// Whether this processor has what these need to be quick.
bool isFast();

// Each works on tiles or outputs from `a` to `z`; counted from the place's first tile.
/// Pixels [N, height, width, channels] to [points, room, channels].
void turnMaps(const float *from, float *to, const Place &place, int64_t channels, int64_t a, int64_t z);
/// Weights [rows, 3, 3, channels.all] to [points, channels.room, channels.count]; of the mirrored kernel, where it `isFlipped`.
void turnWeights(const float *from, float *to, const Channels &channels, bool isFlipped, int64_t a, int64_t z);
/// Products [points, place.room, channels.room] to pixels [N, outHeight, outWidth, channels.all].
void turnBack(const float *from, float *to, const float *shift, const Place &place, const Channels &channels, int64_t a,
              int64_t z);
/// The adjoint of `turnBack`: gradients [N, outHeight, outWidth, channels] to [points, room, channels].
void turnGradients(const float *from, float *to, const Place &place, int64_t channels, int64_t a, int64_t z);
/// The adjoint of `turnWeights`: [points, outputs, inputs] to [outputs, 3, 3, inputs].
void turnWeightsBack(const float *from, float *to, int64_t outputs, int64_t inputs, int64_t a, int64_t z);
} // namespace ct::winograd
