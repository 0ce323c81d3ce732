// Convolutions of 3 × 3 in float32 on processors by Winograd's F(4 × 4, 3 × 3) (Lavin and Gray 2015, arXiv 1509.09308): a quarter
// of the multiplications, as products of matrices. They stand in for oneDNN's, forwards and backwards, where they are quicker.
#include "Transforms.h"

#include <ATen/core/Tensor.h>
#include <ATen/Parallel.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/convolution_backward_native.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mkldnn_convolution_native.h>
#include <ATen/ops/zeros.h>
#include <dlfcn.h>
#include <torch/library.h>

#if defined(__x86_64__)
namespace {
using namespace ct::winograd;

// LibTorch's own threads: its headers run on one thread where they are compiled without OpenMP.
template <class Body> void inThreads(int64_t count, const Body &body) {
  using Parallel = void (*)(void (*)(void *), void *, unsigned, unsigned);
  static const auto parallel = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  static const auto number = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), count);
  if (!parallel || !number || threads < 2 || at::in_parallel_region()) return body(0, count);
  struct Job {
    const Body &body;
    int64_t count, threads;
  } job{body, count, threads};
  parallel(
      [](void *context) {
        const auto &job = *static_cast<Job *>(context);
        const int64_t i = number();
        job.body(job.count * i / job.threads, job.count * (i + 1) / job.threads);
      },
      &job, static_cast<unsigned>(threads), 0);
}

constexpr int64_t mapBytes = int64_t(8) << 20, weightBytes = int64_t(8) << 20;

at::Tensor channelsLast(const at::Tensor &t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }

/// How a picture is cut: some tiles at once, so that what they become stays in the caches.
struct Cut {
  Tiles tiles;
  int64_t all, atOnce;
  Cut(const at::Tensor &x, int64_t padding, int64_t channels, int64_t bytes) {
    tiles = {.height = x.size(2), .width = x.size(3), .padding = padding, .outHeight = x.size(2) + 2 * padding - 2,
             .outWidth = x.size(3) + 2 * padding - 2};
    all = x.size(0) * tiles.down() * tiles.across();
    const int64_t most = std::max<int64_t>(64, bytes / (points * channels * int64_t(sizeof(float))));
    const int64_t parts = (all + most - 1) / most;
    atOnce = (all + parts - 1) / parts;
  }
};

/// - Parameters:
///   - weight: [outputs, inputs, 3, 3].
///   - isBackward: whether `input` is of `outputs` channels, and the result is the gradient of the other.
at::Tensor convolved(const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, int64_t padding,
                     bool isBackward = false) {
  const at::Tensor x = channelsLast(input), w = channelsLast(weight), b = bias.defined() ? bias.contiguous() : bias;
  const int64_t inputs = x.size(1), outputs = w.size(isBackward ? 1 : 0);
  // Weights are turned some outputs at a time, where all would need more memory than caches have.
  const int64_t parts = (outputs * inputs * points * 4 + weightBytes - 1) / weightBytes;
  const int64_t some = ((outputs + parts - 1) / parts + lanes - 1) / lanes * lanes;
  const bool areKept = some >= outputs;
  const Cut cut(x, padding, inputs + some, areKept ? mapBytes : 4 * mapBytes);
  at::Tensor y = at::empty({x.size(0), outputs, cut.tiles.outHeight, cut.tiles.outWidth},
                           x.options().memory_format(at::MemoryFormat::ChannelsLast));
  at::Tensor turned = at::empty({points, some * inputs}, x.options());
  at::Tensor maps = at::empty({points, cut.atOnce, inputs}, x.options());
  at::Tensor products = at::empty({points, cut.atOnce * some}, x.options());
  const float *from = x.const_data_ptr<float>(), *weights = w.const_data_ptr<float>();
  const float *shift = b.defined() ? b.const_data_ptr<float>() : nullptr;
  float *to = y.mutable_data_ptr<float>(), *u = turned.mutable_data_ptr<float>();
  float *v = maps.mutable_data_ptr<float>(), *m = products.mutable_data_ptr<float>();
  for (int64_t first = 0; first < cut.all; first += cut.atOnce) {
    const int64_t count = std::min(cut.atOnce, cut.all - first);
    const Place place{cut.tiles, first, cut.atOnce};
    inThreads(count, [&](int64_t a, int64_t z) { turnMaps(from, v, place, inputs, a, z); });
    for (int64_t o = 0; o < outputs; o += some) {
      const int64_t these = std::min(some, outputs - o);
      if (first == 0 || !areKept) {
        inThreads(isBackward ? inputs : these, [&](int64_t a, int64_t z) {
          if (isBackward) {
            turnWeights(weights, u, {outputs, o, these, inputs}, /*isFlipped=*/true, a, z);
          } else {
            turnWeights(weights + 9 * o * inputs, u, {inputs, 0, inputs, these}, /*isFlipped=*/false, a, z);
          }
        });
      }
      const at::Tensor matrices = turned.as_strided(
          {points, inputs, these},
          {inputs * these, isBackward ? these : 1, isBackward ? 1 : inputs});
      at::Tensor results = products.as_strided({points, cut.atOnce, these}, {cut.atOnce * these, these, 1});
      at::bmm_out(results, maps, matrices);
      const Channels channels{outputs, o, these, these};
      inThreads(count, [&](int64_t a, int64_t z) { turnBack(m, to, shift, place, channels, a, z); });
    }
  }
  return y;
}

/// The gradient of weights [outputs, inputs, 3, 3].
at::Tensor weightGradient(const at::Tensor &gradient, const at::Tensor &input, int64_t padding) {
  const at::Tensor g = channelsLast(gradient), x = channelsLast(input);
  const int64_t inputs = x.size(1), outputs = g.size(1);
  const Cut cut(x, padding, inputs + outputs, mapBytes);
  at::Tensor maps = at::empty({points, cut.atOnce, inputs}, x.options());
  at::Tensor gradients = at::empty({points, cut.atOnce, outputs}, x.options());
  at::Tensor sums = at::zeros({points, outputs, inputs}, x.options());
  at::Tensor w = at::empty({outputs, inputs, 3, 3}, x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const float *from = x.const_data_ptr<float>(), *wanted = g.const_data_ptr<float>();
  float *v = maps.mutable_data_ptr<float>(), *m = gradients.mutable_data_ptr<float>();
  for (int64_t first = 0; first < cut.all; first += cut.atOnce) {
    const int64_t count = std::min(cut.atOnce, cut.all - first);
    const Place place{cut.tiles, first, cut.atOnce};
    inThreads(count, [&](int64_t a, int64_t z) {
      turnMaps(from, v, place, inputs, a, z);
      turnGradients(wanted, m, place, outputs, a, z);
    });
    sums.baddbmm_(gradients.narrow(1, 0, count).transpose(1, 2), maps.narrow(1, 0, count));
  }
  const float *s = sums.const_data_ptr<float>();
  float *to = w.mutable_data_ptr<float>();
  inThreads(outputs, [&](int64_t a, int64_t z) { turnWeightsBack(s, to, outputs, inputs, a, z); });
  return w;
}

bool isOne(at::IntArrayRef values) {
  return std::all_of(values.begin(), values.end(), [](int64_t v) { return v == 1; });
}

bool isChannelsLast(const at::Tensor &t) { return t.suggest_memory_format() == at::MemoryFormat::ChannelsLast; }

/// Whether it is quicker so. Under 32 channels turning takes longer than it spares, and maps of less than 8 × 8 have too few tiles.
bool suits(const at::Tensor &x, const at::Tensor &w, at::IntArrayRef padding, at::IntArrayRef stride,
           at::IntArrayRef dilation, int64_t groups) {
  if (groups != 1 || x.dim() != 4 || w.dim() != 4 || w.size(2) != 3 || w.size(3) != 3) return false;
  if (x.scalar_type() != at::kFloat || w.scalar_type() != at::kFloat || x.is_mkldnn() || w.is_mkldnn()) return false;
  if (!isChannelsLast(x) && !isChannelsLast(w)) return false;  // Results lie as oneDNN's would.
  if (!isOne(stride) || !isOne(dilation) || padding.empty()) return false;
  if (padding.front() != padding.back() || padding.front() < 0 || padding.front() > 2) return false;
  const int64_t inputs = w.size(1), outputs = w.size(0);
  if (x.size(1) != inputs || inputs % lanes != 0 || outputs % lanes != 0 || std::min(inputs, outputs) < 32) return false;
  const int64_t border = 2 * padding.front() - 2;
  return x.size(0) > 0 && std::min(x.size(2), x.size(3)) + std::min<int64_t>(border, 0) >= 8 && isFast();
}

at::Tensor convolution(const at::Tensor &x, const at::Tensor &w, const std::optional<at::Tensor> &bias,
                       at::IntArrayRef padding, at::IntArrayRef stride, at::IntArrayRef dilation, int64_t groups) {
  if (!suits(x, w, padding, stride, dilation, groups)) {
    return at::native::mkldnn_convolution(x, w, bias, padding, stride, dilation, groups);
  }
  return convolved(x, w, bias.value_or(at::Tensor()), padding.front());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolutionBackward(
    const at::Tensor &gradient, const at::Tensor &x, const at::Tensor &w, at::OptionalIntArrayRef biasSizes,
    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool isTransposed,
    at::IntArrayRef outputPadding, int64_t groups, std::array<bool, 3> wanted) {
  if (isTransposed || gradient.scalar_type() != at::kFloat || !suits(x, w, padding, stride, dilation, groups)) {
    return at::native::convolution_backward(gradient, x, w, biasSizes, stride, padding, dilation, isTransposed,
                                            outputPadding, groups, wanted);
  }
  // Of few tiles, sums of products are more than what they spare.
  const bool fewTiles = gradient.numel() / gradient.size(1) < 64 * made * made;
  std::tuple<at::Tensor, at::Tensor, at::Tensor> found;
  if (wanted[1] && fewTiles) {
    found = at::native::convolution_backward(gradient, x, w, biasSizes, stride, padding, dilation, isTransposed,
                                             outputPadding, groups, {false, true, wanted[2]});
    wanted[1] = wanted[2] = false;
  }
  if (wanted[0]) {
    std::get<0>(found) = convolved(gradient, w, at::Tensor(), 2 - padding.front(), /*isBackward=*/true);
  }
  if (wanted[1]) std::get<1>(found) = weightGradient(gradient, x, padding.front());
  if (wanted[2]) std::get<2>(found) = gradient.sum({0, 2, 3});
  return found;
}
} // namespace

TORCH_LIBRARY_IMPL(aten, CPU, library) {
  library.impl("mkldnn_convolution", TORCH_FN(convolution));
  library.impl("convolution_backward", TORCH_FN(convolutionBackward));
}
#endif
