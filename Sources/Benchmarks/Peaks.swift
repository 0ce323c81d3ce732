import Torch

/// What this processor can do at most, measured: the best of several sizes and repetitions.
struct Peaks: Codable {
  /// GFLOP/s of products of matrices.
  var matmul: [String: Double] = [:]
  /// GFLOP/s of 3 × 3 convolutions, channels last.
  var convolution: [String: Double] = [:]
  /// GB/s, read and written, of copies that no cache holds.
  var copy = 0.0

  /// The most of all, which a step's rate is a part of.
  var most: Double { max(matmul.values.max() ?? 0, convolution.values.max() ?? 0) }

  static func measured() -> Peaks {
    var peaks = Peaks(), noise = Noise(seed: 0)
    let types: [(String, DType)] =
      Device.cpu.prefersBFloat16 ? [("bf16", .bfloat16), ("f32", .float32)] : [("f32", .float32)]
    for (name, type) in types {
      peaks.matmul[name] = [512, 1024, 2048, 4096].map { n in
        let a = noise.normal([n, n]).to(type), b = noise.normal([n, n]).to(type)
        return best(2 * Double(n * n * n)) { _ = a.matmul(b) }
      }.max()!
      peaks.convolution[name] = [(16, 64, 64), (16, 128, 32), (8, 256, 32), (4, 256, 64)].map { n, channels, side in
        let x = noise.normal([n, channels, side, side]).to(type).channelsLast()
        // Of 5 × 5, which has no way with fewer multiplications.
        let w = noise.normal([channels, channels, 5, 5]).to(type).channelsLast()
        return best(50 * Double(n * channels * channels * side * side)) { _ = conv2d(x, w, padding: [2, 2]) }
      }.max()!
    }
    // 256 MB.
    let from = noise.normal([1 << 26]), to = Tensor.zeros([1 << 26])
    peaks.copy = best(8 * Double(1 << 26)) { to.copy(from: from) }
    return peaks
  }

  /// Billions a second, of so much work: the quickest of those that a second has room for, three at least.
  private static func best(_ work: Double, _ body: () -> Void) -> Double {
    body()
    var least = Double.infinity, all = 0.0, count = 0
    while count < 3 || all < 1 {
      let took = seconds(body)
      (least, all, count) = (min(least, took), all + took, count + 1)
    }
    return work / least / 1e9
  }
}
