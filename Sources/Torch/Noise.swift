import CTorch

/// LibTorch's generator, with an identity. Made by `Noise` only.
public final class NoiseSource: @unchecked Sendable {
  let handle: ct_generator
  init(seed: UInt64) {
    var out: ct_generator?
    check(ct_generator_new(seed, &out), "Noise")
    handle = out!
  }
  deinit { ct_generator_free(handle) }
}

/// Random numbers, explicit and reproducible: drawn on the CPU and moved, so that they are the same on any device.
///
/// Draws equal PyTorch's from `torch.Generator().manual_seed(seed)` for seeds below 2³². PyTorch cuts greater ones to 32 bits; here
/// all 64 count.
public struct Noise {
  private let source: NoiseSource
  /// Of a step that several processes make together: draws for each picture of a batch are drawn for the group's whole batch, as
  /// one process would, and the own ones taken.
  public var share: BatchShare?

  public init(seed: UInt64) { source = NoiseSource(seed: seed) }

  /// A stream of its own for each counter of a seed, such as the pictures seen so far: resuming needs no state.
  ///
  /// - Parameter salt: tells streams of the same seed and counter apart by their use.
  public init(seed: UInt64, at counter: Int, salt: UInt64 = 0) {
    // SplitMix64 (Steele et al. 2014), so that neighbouring counters give unrelated streams.
    var z = (seed ^ salt) &+ 0x9E37_79B9_7F4A_7C15 &* (UInt64(bitPattern: Int64(counter)) &+ 1)
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    // Runs of seeds below 2³² were begun with the low half alone, and go on with it to the bit. For others the whole of it counts:
    // it differs from seed to seed.
    self.init(seed: seed >> 32 == 0 ? z & 0xFFFF_FFFF : z)
  }

  /// Standard normal.
  public mutating func normal(_ shape: [Int], dtype: DType = .float32, on device: Device = .cpu) -> Tensor {
    own(shape) { aten.randn(.ints($0), .generator(source), .dtype(dtype)) }.to(device)
  }
  /// Uniform in `low`..<`high`.
  public mutating func uniform(
    _ shape: [Int], from low: Double = 0, to high: Double = 1, dtype: DType = .float32, on device: Device = .cpu
  ) -> Tensor {
    let unit = own(shape) { aten.rand(.ints($0), .generator(source), .dtype(dtype)) }
    return (low == 0 && high == 1 ? unit : unit * (high - low) + low).to(device)
  }
  /// True with `probability`, as bool.
  public mutating func bernoulli(_ probability: Double, _ shape: [Int], on device: Device = .cpu) -> Tensor {
    uniform(shape, on: device).less(than: probability)
  }
  /// `count` integers in 0..<bound.
  public mutating func integers(below bound: Int, count: Int) -> [Int] {
    own([count]) { aten.randint(.int(bound), .ints($0), .generator(source)) }.ints
  }
  /// 0..<n in random order.
  public mutating func permutation(_ n: Int) -> [Int] { aten.randperm(.int(n), .generator(source)).ints }

  /// What each of `n` pictures draws for itself. Of a step that several processes make, all of the group's pictures draw, and the own
  /// ones' draws are given.
  public mutating func each<Drawn>(_ n: Int, _ draw: (inout Noise) -> Drawn) -> [Drawn] {
    guard let share, n % share.batch == 0 else { return (0..<n).map { _ in draw(&self) } }
    var plain = self, kept: [Drawn] = []
    plain.share = nil
    // Real and generated pictures may stand below one another.
    for _ in 0..<n / share.batch {
      for row in 0..<share.count * share.batch {
        let drawn = draw(&plain)
        if share.rows.contains(row) { kept.append(drawn) }
      }
    }
    return kept
  }

  /// - Parameter draw: given a shape.
  private func own(_ shape: [Int], _ draw: ([Int]) -> Tensor) -> Tensor {
    // Real and generated pictures may stand below one another, or two of each.
    guard let share, let rows = shape.first, rows % share.batch == 0, rows / share.batch <= 4, rows > 0 else {
      return draw(shape)
    }
    let rest = Array(shape.dropFirst()), times = rows / share.batch
    let whole = draw([rows * share.count] + rest)
    return whole.reshaped([times, share.count, share.batch] + rest).narrowed(dim: 1, from: share.rank, count: 1)
      .reshaped(shape)
  }

  /// The generator's state, to be saved and restored: uint8.
  public var state: Tensor {
    get {
      var out: ct_tensor?
      check(ct_generator_state(source.handle, &out), "Noise.state")
      return Tensor(owning: out!)
    }
    nonmutating set { check(ct_generator_restore(source.handle, newValue.handle), "Noise.state") }
  }
}
