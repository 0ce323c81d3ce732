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
    aten.randn(.ints(shape), .generator(source), .dtype(dtype)).to(device)
  }
  /// Uniform in `low`..<`high`.
  public mutating func uniform(
    _ shape: [Int], from low: Double = 0, to high: Double = 1, dtype: DType = .float32, on device: Device = .cpu
  ) -> Tensor {
    let unit = aten.rand(.ints(shape), .generator(source), .dtype(dtype))
    return (low == 0 && high == 1 ? unit : unit * (high - low) + low).to(device)
  }
  /// True with `probability`, as bool.
  public mutating func bernoulli(_ probability: Double, _ shape: [Int], on device: Device = .cpu) -> Tensor {
    uniform(shape, on: device).less(than: probability)
  }
  /// `count` integers in 0..<bound.
  public mutating func integers(below bound: Int, count: Int) -> [Int] {
    aten.randint(.int(bound), .ints([count]), .generator(source)).ints
  }
  /// 0..<n in random order.
  public mutating func permutation(_ n: Int) -> [Int] { aten.randperm(.int(n), .generator(source)).ints }

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
