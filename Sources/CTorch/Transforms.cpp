#if defined(__x86_64__)
#include "Transforms.h"

#include <cstring>

// Vectors are passed within this file only, by what is compiled into its callers.
#pragma clang diagnostic ignored "-Wpsabi"

// Lavin and Gray 2015, section 4.1, but with the points 0, ±√½, ±√2 and infinity instead of 0, ±1, ±2 and infinity: a quarter of the error.
namespace ct::winograd {
namespace {
#define INLINE __attribute__((always_inline)) inline
typedef float Vector __attribute__((vector_size(4 * lanes)));

INLINE Vector load(const float *from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
INLINE void store(float *to, Vector v) { std::memcpy(to, &v, sizeof v); }

constexpr float low = 0.70710678f, high = 1.41421356f;

// Each of these takes vectors `s` apart and gives some `t` apart.
struct Map {
  static constexpr int from = seen, to = seen;
  INLINE static void turn(const Vector *x, int s, Vector *y, int t) {
    const Vector p = x[4 * s] - 2.f * x[2 * s], q = low * (x[3 * s] - 2.f * x[s]);
    const Vector r = x[4 * s] - 0.5f * x[2 * s], u = high * (x[3 * s] - 0.5f * x[s]);
    y[0] = x[0] - 2.5f * x[2 * s] + x[4 * s];
    y[t] = p + q;
    y[2 * t] = p - q;
    y[3 * t] = r + u;
    y[4 * t] = r - u;
    y[5 * t] = x[s] - 2.5f * x[3 * s] + x[5 * s];
  }
};
struct Result {
  static constexpr int from = seen, to = made;
  INLINE static void turn(const Vector *x, int s, Vector *y, int t) {
    const Vector p = x[s] + x[2 * s], q = low * (x[s] - x[2 * s]);
    const Vector r = x[3 * s] + x[4 * s], u = high * (x[3 * s] - x[4 * s]);
    y[0] = x[0] + p + r;
    y[t] = q + u;
    y[2 * t] = 0.5f * p + 2.f * r;
    y[3 * t] = 0.5f * q + 2.f * u + x[5 * s];
  }
};
struct ResultAdjoint {
  static constexpr int from = made, to = seen;
  INLINE static void turn(const Vector *x, int s, Vector *y, int t) {
    const Vector p = x[0] + 0.5f * x[2 * s], q = low * (x[s] + 0.5f * x[3 * s]);
    const Vector r = x[0] + 2.f * x[2 * s], u = high * (x[s] + 2.f * x[3 * s]);
    y[0] = x[0];
    y[t] = p + q;
    y[2 * t] = p - q;
    y[3 * t] = r + u;
    y[4 * t] = r - u;
    y[5 * t] = x[3 * s];
  }
};
struct Weight {
  static constexpr int from = 3, to = seen;
  INLINE static void turn(const Vector *x, int s, Vector *y, int t) {
    const Vector p = (-2.f / 3) * (x[0] + 0.5f * x[2 * s]), q = (-2.f / 3 * low) * x[s];
    const Vector r = (1.f / 6) * (x[0] + 2.f * x[2 * s]), u = (high / 6) * x[s];
    y[0] = x[0];
    y[t] = p + q;
    y[2 * t] = p - q;
    y[3 * t] = r + u;
    y[4 * t] = r - u;
    y[5 * t] = x[2 * s];
  }
};
struct WeightAdjoint {
  static constexpr int from = seen, to = 3;
  INLINE static void turn(const Vector *x, int s, Vector *y, int t) {
    const Vector p = (1.f / 3) * (x[s] + x[2 * s]), r = (1.f / 3) * (x[3 * s] + x[4 * s]);
    y[0] = x[0] - 2.f * p + 0.5f * r;
    y[t] = (-2.f / 3 * low) * (x[s] - x[2 * s]) + (high / 6) * (x[3 * s] - x[4 * s]);
    y[2 * t] = r - p + x[5 * s];
  }
};

/// Down and across.
template <class T> INLINE void turned(const Vector *x, Vector *y) {
  Vector half[T::to * T::from];
  for (int i = 0; i < T::from; ++i) T::turn(x + i, T::from, half + i, T::from);
  for (int i = 0; i < T::to; ++i) T::turn(half + i * T::from, 1, y + i * T::to, 1);
}

struct Corner {
  int64_t picture, y, x;
  INLINE Corner(const Place &place, int64_t tile) {
    const int64_t i = place.first + tile, across = place.tiles.across(), down = place.tiles.down();
    picture = i / (down * across);
    y = i / across % down * made;
    x = i % across * made;
  }
};

INLINE void maps(const float *from, float *to, const Place &place, int64_t channels, int64_t a, int64_t z) {
  const Tiles &g = place.tiles;
  for (int64_t tile = a; tile < z; ++tile) {
    const Corner corner(place, tile);
    const float *at[points];
    for (int i = 0; i < points; ++i) {
      const int64_t y = corner.y + i / seen - g.padding, x = corner.x + i % seen - g.padding;
      const bool isInside = y >= 0 && x >= 0 && y < g.height && x < g.width;
      at[i] = isInside ? from + ((corner.picture * g.height + y) * g.width + x) * channels : nullptr;
    }
    for (int64_t c = 0; c < channels; c += lanes) {
      Vector x[points], y[points];
      for (int i = 0; i < points; ++i) x[i] = at[i] ? load(at[i] + c) : Vector{};
      turned<Map>(x, y);
      for (int i = 0; i < points; ++i) store(to + (i * place.room + tile) * channels + c, y[i]);
    }
  }
}

INLINE void weights(const float *from, float *to, const Channels &channels, bool isFlipped, int64_t a, int64_t z) {
  for (int64_t row = a; row < z; ++row) {
    for (int64_t c = 0; c < channels.count; c += lanes) {
      Vector x[9], y[points];
      for (int i = 0; i < 9; ++i) {
        x[i] = load(from + (row * 9 + (isFlipped ? 8 - i : i)) * channels.all + channels.first + c);
      }
      turned<Weight>(x, y);
      for (int i = 0; i < points; ++i) store(to + (i * channels.room + row) * channels.count + c, y[i]);
    }
  }
}

INLINE void back(const float *from, float *to, const float *shift, const Place &place, const Channels &channels,
                 int64_t a, int64_t z) {
  const Tiles &g = place.tiles;
  for (int64_t tile = a; tile < z; ++tile) {
    const Corner corner(place, tile);
    const int64_t rows = std::min<int64_t>(made, g.outHeight - corner.y);
    const int64_t columns = std::min<int64_t>(made, g.outWidth - corner.x);
    float *at = to + ((corner.picture * g.outHeight + corner.y) * g.outWidth + corner.x) * channels.all + channels.first;
    for (int64_t c = 0; c < channels.count; c += lanes) {
      Vector x[points], y[made * made];
      for (int i = 0; i < points; ++i) x[i] = load(from + (i * place.room + tile) * channels.room + c);
      turned<Result>(x, y);
      const Vector more = shift ? load(shift + channels.first + c) : Vector{};
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t s = 0; s < columns; ++s) store(at + (r * g.outWidth + s) * channels.all + c, y[r * made + s] + more);
      }
    }
  }
}

INLINE void gradients(const float *from, float *to, const Place &place, int64_t channels, int64_t a, int64_t z) {
  const Tiles &g = place.tiles;
  for (int64_t tile = a; tile < z; ++tile) {
    const Corner corner(place, tile);
    const int64_t rows = std::min<int64_t>(made, g.outHeight - corner.y);
    const int64_t columns = std::min<int64_t>(made, g.outWidth - corner.x);
    const float *at = from + ((corner.picture * g.outHeight + corner.y) * g.outWidth + corner.x) * channels;
    for (int64_t c = 0; c < channels; c += lanes) {
      Vector x[made * made], y[points];
      for (int i = 0; i < made * made; ++i) {
        const int64_t r = i / made, s = i % made;
        x[i] = r < rows && s < columns ? load(at + (r * g.outWidth + s) * channels + c) : Vector{};
      }
      turned<ResultAdjoint>(x, y);
      for (int i = 0; i < points; ++i) store(to + (i * place.room + tile) * channels + c, y[i]);
    }
  }
}

INLINE void weightsBack(const float *from, float *to, int64_t outputs, int64_t inputs, int64_t a, int64_t z) {
  for (int64_t o = a; o < z; ++o) {
    for (int64_t c = 0; c < inputs; c += lanes) {
      Vector x[points], y[9];
      for (int i = 0; i < points; ++i) x[i] = load(from + (i * outputs + o) * inputs + c);
      turned<WeightAdjoint>(x, y);
      for (int i = 0; i < 9; ++i) store(to + (o * 9 + i) * inputs + c, y[i]);
    }
  }
}
} // namespace

// Each compiled for both kinds of processors.
#define BOTH(name, inner, parameters, ...)                                                                      \
  namespace avx512 {                                                                                            \
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))) static void name parameters { inner(__VA_ARGS__); } \
  }                                                                                                             \
  namespace avx2 {                                                                                              \
  __attribute__((target("avx2,fma"))) static void name parameters { inner(__VA_ARGS__); }                       \
  }                                                                                                             \
  void name parameters { hasAVX512() ? avx512::name(__VA_ARGS__) : avx2::name(__VA_ARGS__); }

static bool hasAVX512() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return has;
}
bool isFast() {
  static const bool is = hasAVX512() || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  return is;
}

BOTH(turnMaps, maps, (const float *from, float *to, const Place &place, int64_t channels, int64_t a, int64_t z), from, to,
     place, channels, a, z)
BOTH(turnWeights, weights,
     (const float *from, float *to, const Channels &channels, bool isFlipped, int64_t a, int64_t z), from, to, channels,
     isFlipped, a, z)
BOTH(turnBack, back,
     (const float *from, float *to, const float *shift, const Place &place, const Channels &channels, int64_t a, int64_t z),
     from, to, shift, place, channels, a, z)
BOTH(turnGradients, gradients,
     (const float *from, float *to, const Place &place, int64_t channels, int64_t a, int64_t z), from, to, place, channels,
     a, z)
BOTH(turnWeightsBack, weightsBack,
     (const float *from, float *to, int64_t outputs, int64_t inputs, int64_t a, int64_t z), from, to, outputs, inputs, a,
     z)
} // namespace ct::winograd
#endif
